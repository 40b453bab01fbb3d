#!/usr/bin/env bash
# The installed wheel, used from an empty folder:  bash tests/wheel.sh FOLDER
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
cd "$1"
python -c "
import fashion_retail, sys
assert not fashion_retail.__file__.startswith(sys.argv[1]), 'this is the checkout, not the wheel'
from fashion_retail.wardrobe import make_wardrobe
make_wardrobe('garments', 12, size=96, progress=False)" "$checkout"
fashion-retail names
fashion-retail evaluate --images garments/images.csv --split valid --cutout none --features color_histogram --out result.json
fashion-retail catalogue build garments/images.csv --out shop
fashion-retail search garments/snapshot/snapshot-0001.jpg --catalogue shop
cat > small.yaml <<'YAML'
images: wardrobe
features: color_histogram
cutouts: none mask
training: {epochs: 0}
wardrobe: {n_items: 24, size: 96}
YAML
fashion-retail report --profile small.yaml --out run
test -s run/report.html -a -s run/junit.xml
echo "the wheel works"

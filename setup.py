"Package metadata is in settings.ini; this file only hands it to setuptools."
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

here = Path(__file__).parent
config = ConfigParser(delimiters=["="])
config.read(here / "settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]


def lines(key): return [line for line in cfg[key].splitlines() if line]


setup(
    name=cfg["name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=cfg["author"],
    license=cfg["license"],
    keywords=cfg["keywords"].split(),
    python_requires=f">={cfg['min_python']}",
    install_requires=lines("requirements"),
    extras_require={o: lines(f"{o}_requirements") for o in ("dev", "onnx", "timm", "clip", "heic", "milvus", "dask", "peers", "docs")},
    # The notebooks hold the report's stages and the baselines its gate, so an installed package carries them too.
    packages=["fashion_retail", "fashion_retail.nbs", "fashion_retail.baselines"],
    package_dir={"fashion_retail.nbs": "nbs", "fashion_retail.baselines": "data/baselines"},
    package_data={"fashion_retail": ["*.j2", "*.js", "page/*", "weights/*"], "fashion_retail.nbs": ["*.ipynb", "profiles/*.yaml", "profiles/camvid/*", "profiles/garments/*"],
                  "fashion_retail.baselines": ["*.json"]},
    entry_points={"console_scripts": lines("console_scripts")},
)

"Inputs as people really have them (tests/faults.py makes and describes them), and properties of reading tables and ids"
import csv
import io
import string
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
import faults

from fashion_retail.core import BadInput
from fashion_retail.data import ENDS, normal_text, read_table, write_table
from fashion_retail.folders import catalogue_items, match

QUICK = [o for o in faults.ALL if not o.slow]
PROPERTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("found", QUICK, ids=[f"{o.kind}-{o.name}"[:70] for o in QUICK])
def test_input(found, tmp_path):
    row, text = faults.try_fault(found, tmp_path/"t")
    assert row["right"], f"code {row['code']}, kept {row['kept']!r}\n{text}"


def test_enough_inputs():
    "At least 150 inputs, of every kind"
    assert len(faults.ALL) >= 150 and {o.kind for o in faults.ALL} <= set(faults.KINDS)


def test_killed_commands_go_on():
    "Two kills of `label` and two of `evaluate`; `python tests/kills.py` does a hundred, trainings and reports too"
    done = subprocess.run([sys.executable, faults.ROOT/"tests"/"kills.py", "--kills", "4", "label", "evaluate"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# Properties ---------------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12).map(normal_text).filter(bool)
FREE = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=12)
ROW = st.tuples(TEXT, TEXT, st.sampled_from(["catalogue", "snapshot", "scene"]), st.sampled_from(["a.jpg", "b c.png", "d/e.jpg", "ü.jpg"]), FREE, TEXT)


def table_of(rows):
    table = pd.DataFrame(rows, columns=["image_id", "item_id", "role", "path", "note", "category"], dtype=object)
    return table.assign(split="valid").drop_duplicates("image_id", ignore_index=True)


@PROPERTY
@given(st.lists(ROW, min_size=1, max_size=8))
def test_written_tables_are_read_back(tmp_path, rows):
    "What is written is read back: ids in their normal form, other columns to the letter"
    table = table_of(rows)
    write_table(table.assign(path=[str(tmp_path/o) for o in table.path]), tmp_path/"images.csv")
    back = read_table(tmp_path/"images.csv")
    assert back.image_id.tolist() == table.image_id.tolist() and back.item_id.tolist() == table.item_id.tolist()
    assert back.note.tolist() == table.note.tolist() and back.category.tolist() == table.category.tolist()
    assert back.path.tolist() == [str(tmp_path/o) for o in table.path]


@PROPERTY
@given(st.lists(ROW, min_size=1, max_size=5), st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.booleans(),
       st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.sampled_from(["", " ", "\u00a0", "\u200b"]), st.integers(0, 3))
def test_any_way_of_writing_is_read(tmp_path, rows, separator, end, capitals, quoted, coding, blank, surplus):
    "Separator, line ends, capitals, quotation marks, coding, blanks and empty columns do not matter"
    table = table_of(rows).drop(columns="note")
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerow([o.title() if capitals else o for o in table.columns])
    for row in table.itertuples(index=False): writer.writerow([row[0] + blank, blank + row[1], *row[2:], *[""]*surplus])
    (tmp_path/"any.csv").write_bytes(text.getvalue().encode(coding))
    back = read_table(tmp_path/"any.csv")
    for column in ("image_id", "item_id", "role", "category", "split"): assert back[column].tolist() == table[column].tolist()


@PROPERTY
@given(st.binary(max_size=300) | st.text(string.printable, max_size=300).map(lambda o: ("image_id,item_id,role,path,split\n" + o).encode()))
def test_no_file_ends_in_a_traceback(tmp_path, data):
    "Any bytes are a table or a sentence"
    (tmp_path/"noise.csv").write_bytes(data)
    try: assert len(read_table(tmp_path/"noise.csv"))
    except BadInput as error: assert "noise.csv" in str(error)


@PROPERTY
@given(st.text(max_size=20))
def test_normal_form(text):
    "The normal form is one: doing it twice changes nothing, and blanks at the ends never matter"
    once = normal_text(text)
    assert normal_text(once) == once == normal_text(f" \u00a0{text}\u200b ") and not ENDS.match(once)


NAME = st.text("ab1-_ (é", min_size=1, max_size=8).map(normal_text).filter(lambda o: any(c.isalnum() for c in o))


@PROPERTY
@given(st.lists(NAME, min_size=1, max_size=6, unique=True), st.lists(NAME, min_size=1, max_size=6))
def test_matching_names(shop, phone):
    "A match begins with a name of its item, ends at a boundary, and no longer catalogue name fits"
    items = catalogue_items(shop, phone)
    assert set(items) == set(shop) and set(items.values()) <= set(shop)
    for name in phone:
        item, rule = match(name, items)
        fits = [o for o in shop if name.startswith(o) and not name[len(o):len(o) + 1].isalnum()]
        if not fits:
            assert rule in ("", "ignoring capitals") and (item is None) == (rule == "")
            continue
        assert item == items[max(fits, key=len)] and rule
        if name in shop: assert rule == "same name"


def test_digits_make_an_item_of_their_own():
    "An id that continues with a letter or digit is another one"
    for other in ("A170", "A17b", "A17é"): assert match(other, {"A17": "A17"}) == (None, "")

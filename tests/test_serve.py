"The search page: its API, its limits and its log; a real server that is killed; a real browser, on a desk and on a phone"
import base64
import concurrent.futures
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import SCRIPT, command
from fashion_retail.catalogue import Catalogue
from fashion_retail.core import BadInput
from fashion_retail.data import read_table, write_table
from fashion_retail.feedback import FeedbackLog, feedback_table, new_search_id, read_log
from fashion_retail.serve import make_app, read_token, taken_port
from fashion_retail.serve_load import Client, free_port, killed, memory, running, wait_for
from fashion_retail.service import Service
from fashion_retail.uploads import Limits

testclient = pytest.importorskip("starlette.testclient", reason='the API test needs httpx: pip install "fashion_retail[dev]"')

ROOT = Path(__file__).resolve().parents[1]
SHOTS = ROOT/"runs"/"tests"/"serve"  # screenshots, to be looked at
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
         "--disable-sync").split()
PATIENCE = 300_000  # milliseconds for any single thing to happen: other work may keep both cores busy
TOKEN = "a-token-for-the-tests"


@pytest.fixture(scope="module")
def photos(wardrobe):
    "Paths of the snapshots, the item they show"
    rows = read_table(wardrobe)
    return rows[rows.role == "snapshot"].reset_index(drop=True)


@pytest.fixture(scope="module")
def built(wardrobe, tmp_path_factory):
    "A catalogue; tests that change it copy it first"
    return Catalogue.build(wardrobe, tmp_path_factory.mktemp("built")/"catalogue", cutout="otsu").path


@pytest.fixture
def catalogue(built, wardrobe):
    "A catalogue of its own for a test, beside the first: its photos are found by relative paths"
    own = built.parent/f"catalogue-{time.monotonic_ns()}"
    shutil.copytree(built, own)
    yield own
    shutil.rmtree(own)


def api(path, clients=False, **options):
    "The application as a client sees it"
    service = Service(path, **{"token": TOKEN, **options})
    return testclient.TestClient(make_app(service, clients), base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(built):
    with api(built, feedback=built.parent/"feedback") as found: yield found


def upload(path): return ("photo", (Path(path).name, Path(path).read_bytes(), "image/jpeg"))


def picture(image, kind="JPEG", **more):
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def png_header(width, height, rows=0):
    "A PNG of black pixels; with rows=0 its pixels are missing"
    def chunk(name, data): return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    pack = zlib.compressobj(9)
    data = b"".join(pack.compress(bytes(1 + 3*width)) for _ in range(rows)) + pack.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


# ---- answers


def test_the_same_answers_as_without_http(client, built, photos):
    found = client.post("/api/search", files=[upload(o) for o in photos.path[:2]], data=dict(k="4")).json()
    for result, path in zip(found["results"], photos.path):
        expected = Catalogue.load(built).search(path, 4).to_json()
        assert result["photo"] == Path(path).name
        for name in ("in_catalogue", "decision"): assert result[name] == expected[name]
        assert result["cutout"] == expected["cutout"]
        for one, other in zip(result["answers"], expected["answers"]):
            assert {k: v for k, v in one.items() if k != "path"} == {k: v for k, v in other.items() if k != "path"}
    shown = client.get(result["answers"][0]["path"], params=dict(size=100))
    assert shown.status_code == 200 and Image.open(io.BytesIO(shown.content)).size == (160, 160)


def test_box_point_together_where(client, photos):
    def search(*paths, **fields):
        reply = client.post("/api/search", files=[upload(o) for o in paths], data=fields)
        assert reply.status_code == 200, reply.text
        return reply.json()["results"]
    boxed = search(photos.path[0], box="10,10,90,90")[0]
    mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(boxed["cutout"]["mask"].partition(",")[2]))))
    assert not mask[:, 95:].any() and not mask[:8].any() and mask.any()
    assert search(photos.path[0], point="80,80")[0]["cutout"]["mask"]
    together = search(photos.path[0], photos.path[1], together="true", box=["", "0,0,100,100"])
    assert len(together) == 1 and len(together[0]["cutouts"]) == 2
    category = client.get("/api/catalogue").json()["filters"]["category"][0]
    assert {o["attributes"]["category"] for o in search(photos.path[0], where=f"category={category}")[0]["answers"]} == {category}


def test_the_outline_comes_first(client, photos):
    "One JSON object a line: the outline of each photo, then the answers; or a refusal, before or after the first line"
    lines = {"accept": "application/x-ndjson"}
    reply = client.post("/api/search", files=[upload(o) for o in photos.path[:2]], headers=lines)
    first, second, last = map(json.loads, reply.text.splitlines())
    assert reply.headers["content-type"].startswith("application/x-ndjson")
    assert [first["photo"], second["photo"]] == [0, 1] and first["cutout"] == last["results"][0]["cutout"]
    assert last["results"] and last["search_id"]
    reply = client.post("/api/search", files=[("photo", ("a.jpg", b"<html>"))], headers=lines)
    assert reply.status_code == 415 and reply.json()["code"] == "not_a_photo"
    reply = client.post("/api/search", files=[upload(photos.path[0]), ("photo", ("b.jpg", b"<html>"))], headers=lines)
    assert reply.json()["photo"] == 1  # of two photos the one that is broken
    reply = client.post("/api/search", files=[upload(photos.path[0])], data=dict(where="nothing=red"), headers=lines)
    first, last = map(json.loads, reply.text.splitlines())
    assert first["cutout"]["mask"] and last["code"] == "bad_input" and "nothing" in last["error"] and "photo" not in last


def test_items_and_health(client, built):
    row = Catalogue.load(built).index.rows().iloc[0]
    item = client.get(f"/api/items/{row.item_id}").json()
    assert item["item_id"] == row.item_id and item["attributes"]["category"] == row.category
    assert client.get(item["photos"][0]["path"]).headers["content-type"] == "image/jpeg"
    assert client.get("/api/health").json()["status"] == "ok"
    assert b'fashion_retail_requests_total{method="GET",route="/api/health",status="200"}' in client.get("/metrics").content


def test_description(client):
    "Every route is described, and its page is whole without scripts"
    api = client.get("/openapi.json").json()
    page = client.get("/api", headers=dict(host="localhost:8123")).text
    assert "http://localhost:8123/api/search" in page and ":8000" not in page  # the address that the reader has used
    for path, methods in api["paths"].items():
        for method, one in methods.items():
            assert one["description"] and f"{method.upper()} {path}" in page
    assert "<script" not in page and "http://" not in page.replace("http://localhost", "") and "https://" not in page


def test_headers(client):
    for path in ("/", "/page.js", "/page.css", "/api", "/api/health", "/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    first = client.get("/page.js", headers={"accept-encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    assert client.get("/page.js", headers={"if-none-match": first.headers["etag"]}).status_code == 304


# ---- refusals

GOOD = picture(Image.effect_noise((64, 64), 60).convert("RGB"))
ATTACKS = {  # name: (status, method, path, what is sent)
    "no photo": (400, "POST", "/api/search", dict(files=[("k", (None, "3"))])),
    "photo as text": (400, "POST", "/api/search", dict(files=[("photo", (None, "photo.jpg"))])),
    "empty photo": (400, "POST", "/api/search", dict(files=[("photo", ("a.jpg", b""))])),
    "a web page": (415, "POST", "/api/search", dict(files=[("photo", ("a.jpg", b"<html><script>alert(1)</script>"))])),
    "an SVG drawing": (415, "POST", "/api/search", dict(files=[("photo", ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"))])),
    "a program in PostScript": (415, "POST", "/api/search", dict(files=[("photo", ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"))])),
    "half a photo": (422, "POST", "/api/search", dict(files=[("photo", ("a.jpg", GOOD[:1500]))])),
    "PNG of 900 megapixels": (413, "POST", "/api/search", dict(files=[("photo", ("a.png", png_header(30_000, 30_000)))])),
    "PNG of 4 million megapixels": (413, "POST", "/api/search", dict(files=[("photo", ("a.png", png_header(2**31 - 1, 2**21)))])),
    "nine photos": (413, "POST", "/api/search", dict(files=[("photo", ("a.jpg", GOOD))]*9)),
    "JSON in place of a form": (415, "POST", "/api/search", dict(json=dict(photo="x"))),
    "a form without an end": (400, "POST", "/api/search", dict(content=b"--x\r\nrubbish", headers={"content-type": "multipart/form-data; boundary=x"})),
    "a form without a boundary": (400, "POST", "/api/search", dict(content=b"x", headers={"content-type": "multipart/form-data"})),
    "k is text": (422, "POST", "/api/search", dict(files=[("photo", ("a.jpg", GOOD))], data=dict(k="ten"))),
    "k is huge": (422, "POST", "/api/search", dict(files=[("photo", ("a.jpg", GOOD))], data=dict(k="999999999999"))),
    "k is more than the catalogue": (422, "POST", "/api/search", dict(files=[("photo", ("a.jpg", GOOD))], data=dict(k="90", box="0,0,64,64"))),
    "box of NaN": (422, "POST", "/api/search", dict(files=[("photo", ("a.jpg", GOOD))], data=dict(box="nan,0,1e300,5"))),
    "box outside": (422, "POST", "/api/search", dict(files=[("photo", ("a.jpg", GOOD))], data=dict(box="900,900,990,990"))),
    "two boxes for one photo": (422, "POST", "/api/search", dict(files=[("photo", ("a.jpg", GOOD))], data=dict(box=["1,1,50,50", "1,1,50,50"]))),
    "SQL in where": (422, "POST", "/api/search", dict(files=[("photo", ("a.jpg", GOOD))], data=dict(where="color='; DROP TABLE x; --", box="0,0,64,64"))),
    "unknown column": (422, "POST", "/api/search", dict(files=[("photo", ("a.jpg", GOOD))], data=dict(where="path=/etc/passwd", box="0,0,64,64"))),
    "path in an item": (404, "GET", "/api/items/..%2f..%2fetc%2fpasswd", {}),
    "path in a photo": (404, "GET", "/api/photos/..%2f..%2fetc%2fpasswd", {}),
    "a photo's path": (422, "GET", "/api/photos/catalogue.json", {}),
    "path in the address": (404, "GET", "/../../etc/passwd", {}),
    "a file beside the page": (404, "GET", "/api.html.j2", {}),
    "unknown photo": (404, "GET", "/api/photos/" + "0"*32, {}),
    "huge size": (422, "GET", "/api/photos/" + "0"*32 + "?size=99999", {}),
    "invented search": (404, "POST", "/api/feedback", dict(json=dict(search_id="20260101000000-0123456789-0123456789abcdef", item_id=None))),
    "feedback with more fields": (422, "POST", "/api/feedback", dict(json=dict(search_id="a", item_id=None, path="/etc/passwd"))),
    "feedback that is no JSON": (422, "POST", "/api/feedback", dict(content=b"{", headers={"content-type": "application/json"})),
    "change without a token": (401, "POST", "/api/items", dict(files=[("photo", ("a.jpg", GOOD))], data=dict(item_id="x"))),
    "change with a wrong token": (401, "DELETE", "/api/items/item-0000", dict(headers={"authorization": "Bearer a-token-for-the-testz"})),
    "change with a token that is no text": (401, "DELETE", "/api/items/item-0000", dict(headers={"authorization": b"Bearer \xff\xfe"})),
    "search from another site": (403, "POST", "/api/search", dict(files=[("photo", ("a.jpg", GOOD))], headers={"origin": "http://evil.example"})),
    "feedback from another site": (403, "POST", "/api/feedback", dict(json={}, headers={"sec-fetch-site": "cross-site"})),
    "removal from another site": (403, "DELETE", "/api/items/item-0000", dict(headers={"origin": "null", "authorization": f"Bearer {TOKEN}"})),
    "another name (DNS rebinding)": (421, "GET", "/api/health", dict(headers={"host": "evil.example"})),
    "a name with an account": (421, "GET", "/api/health", dict(headers={"host": "localhost@evil.example"})),
    "unknown method": (405, "PUT", "/api/search", {}),
    "asking for other origins (CORS)": (403, "OPTIONS", "/api/search", dict(headers={"origin": "http://evil.example", "access-control-request-method": "POST"})),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks(client, name):
    status, method, path, sent = ATTACKS[name]
    reply = client.request(method, path, **sent)
    assert reply.status_code == status, reply.text
    problem = reply.json()
    assert set(problem) - {"photo"} == {"error", "code"} and "\n" not in problem["error"] and "/tmp" not in problem["error"] and "Traceback" not in problem["error"]
    assert "access-control-allow-origin" not in reply.headers and "content-security-policy" in reply.headers
    if name == "feedback that is no JSON": assert problem["error"] == "the body of the request is no JSON: see /api"


def test_a_table_replaced_between_answers_and_reply(monkeypatch):
    "The search is done again; what fails without a change of the catalogue is our mistake"
    import fashion_retail.workers as workers
    class Replaced:
        made = "old"
        def refresh(self): self.made = "new"
    asked = []
    def reply(catalogue, answers, photos):
        asked.append(catalogue.made)
        if catalogue.made == "old": raise OSError("the table was removed")
        return ["plain"]
    monkeypatch.setattr(workers, "answered", lambda *args: ["answers"])
    monkeypatch.setattr(workers, "reply", reply)
    assert workers.searched(Replaced(), None) == (["answers"], ["plain"]) and asked == ["old", "new"]
    monkeypatch.setattr(Replaced, "refresh", lambda self: None)
    with pytest.raises(OSError): workers.searched(Replaced(), None)


def test_size_of_the_body(built):
    with api(built, limits=Limits(megabytes=0.1)) as client:
        assert client.post("/api/search", files=[("photo", ("a.jpg", bytes(200_000)))]).status_code == 413
        def pieces():
            for _ in range(300): yield bytes(1000)
        assert client.post("/api/search", content=pieces(), headers={"content-type": "multipart/form-data; boundary=x"}).status_code in (400, 413)
        long = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
        def slow():
            yield long
            for _ in range(300): yield bytes(1000)
        assert client.post("/api/search", content=slow(), headers={"content-type": "multipart/form-data; boundary=x"}).status_code == 413


def test_full_and_slow(built, photos, monkeypatch):
    "One runs, one waits, the third is told when to come again; what takes too long is given up"
    with api(built, workers=1, limits=Limits(waiting=1, seconds=30)) as client:
        go = threading.Event()
        monkeypatch.setattr(Catalogue, "look", lambda self, *args: go.wait(60) and (_ for _ in ()).throw(BadInput("enough")))
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            first = [pool.submit(client.post, "/api/search", files=[upload(photos.path[0])]) for _ in range(2)]
            while client.app.service.workers.inside < 2: time.sleep(0.01)
            third = client.post("/api/search", files=[upload(photos.path[0])])
            assert third.status_code == 503 and int(third.headers["retry-after"]) > 0
            assert client.get("/api/health").status_code == 200  # small things never wait behind searches
            go.set()
            assert {o.result().status_code for o in first} == {422}
        assert client.app.service.workers.inside == 0
    with api(built, workers=1, limits=Limits(seconds=1)) as client:
        monkeypatch.setattr(Catalogue, "look", lambda self, *args: time.sleep(3) or (_ for _ in ()).throw(BadInput("enough")))
        assert client.post("/api/search", files=[upload(photos.path[0])]).status_code == 504


def test_an_empty_or_unfinished_catalogue(catalogue):
    found = Catalogue.load(catalogue)
    found.remove(list(found.index.rows().item_id.unique()))
    with api(catalogue) as client:
        for reply in (client.get("/api/health"), client.post("/api/search", files=[("photo", ("a.jpg", GOOD))], data=dict(box="0,0,64,64"))):
            assert reply.status_code == 503 and "empty" in reply.json()["error"], reply.text


# ---- changes


def bearer(token=TOKEN): return {"authorization": f"Bearer {token}"}


def test_items_come_and_go(catalogue, photos):
    with api(catalogue) as client:
        files = [upload(photos.path[3])]
        data = dict(item_id="../a new/one", attributes=json.dumps(dict(color="red", price=3)))
        made = client.post("/api/items", files=files, data=data, headers=bearer())
        assert made.status_code == 201, made.text
        assert made.json()["attributes"]["price"] == "3" and made.json()["new"] == 1
        assert client.post("/api/items", files=files, data=data, headers=bearer()).json()["new"] == 0  # the same again, as after a lost reply
        assert client.post("/api/search", files=files).json()["results"][0]["answers"][0]["item_id"] == "../a new/one"
        assert client.post("/api/items", files=[upload(photos.path[4])], data=data, headers=bearer()).status_code == 409
        assert client.get("/api/items/..%2Fa%20new%2Fone").status_code == 200
        (kept,) = (catalogue/"uploads").iterdir()
        assert kept.suffix == ".png" and len(kept.stem) == 32
        assert client.delete("/api/items/..%2Fa%20new%2Fone", headers=bearer()).json()["removed"] == 1
        assert client.get("/api/items/..%2Fa%20new%2Fone").status_code == 404 and not list((catalogue/"uploads").iterdir())
        assert client.delete("/api/items/nothing", headers=bearer()).status_code == 404
        for bad in (dict(item_id=""), dict(item_id="a\x00b"), dict(item_id="x"*300), dict(item_id="x", attributes="[1]"), dict(item_id="x", attributes='{"path": "/etc"}')):
            assert client.post("/api/items", files=files, data=bad, headers=bearer()).status_code == 422, bad
    with api(catalogue, token="") as client:
        assert client.delete("/api/items/item-0000", headers=bearer("")).status_code == 403


def test_another_process_changes_the_catalogue(catalogue, photos):
    "What is added, removed or rebuilt elsewhere is seen by the next search, and nothing fails meanwhile"
    with api(catalogue) as client:
        def best(): return [o["item_id"] for o in client.post("/api/search", files=[upload(photos.path[0])]).json()["results"][0]["answers"]]
        first = best()[0]
        Catalogue.load(catalogue).remove(first)
        assert first not in best()
        statuses, stop = [], threading.Event()
        def ask():
            while not stop.is_set(): statuses.append(client.post("/api/search", files=[upload(photos.path[0])]).status_code)
        thread = threading.Thread(target=ask)
        thread.start()
        Catalogue.load(catalogue).rebuild(features="color_histogram")
        time.sleep(1)
        stop.set()
        thread.join()
        assert set(statuses) == {200}
        line = read_log(catalogue/"feedback"/"log.jsonl")[0][-1]
        assert line["descriptor"].startswith("color_histogram")


# ---- feedback


def test_feedback_becomes_a_table(catalogue, photos):
    with api(catalogue, keep_photos=True) as client:
        found = [client.post("/api/search", files=[upload(o)]).json()["search_id"] for o in photos.path[:5]]
        for search_id, item in zip(found, ["item-0000", "item-0001", None, "item-0003"]):
            assert client.post("/api/feedback", json=dict(search_id=search_id, item_id=item)).json() == dict(noted=True)
        client.post("/api/feedback", json=dict(search_id=found[1], item_id="item-0002"))                  # changed
        client.post("/api/feedback", json=dict(search_id=found[3], item_id="item-0003", withdrawn=True))  # taken back
        assert client.post("/api/feedback", json=dict(search_id=found[0], item_id="nothing")).status_code == 404
    table, left_out = feedback_table(Catalogue.load(catalogue))
    asked = table[table.role == "snapshot"]
    assert list(asked.item_id[:1]) == ["item-0000"] and "item-0002" in set(asked.item_id) and len(asked) == 3
    assert asked.item_id.str.startswith("unknown-").sum() == 1 and not sum(left_out.values())
    write_table(table, catalogue/"asked.csv")
    split = feedback_table(Catalogue.load(catalogue), valid=0.5)[0]
    assert set(split[split.role == "snapshot"].split) == {"train", "valid"}


def test_no_photo_and_no_place_is_kept(catalogue, photos):
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}
    exif[0x010f] = "MAKER-OF-PHONES"
    data = picture(Image.open(photos.path[0]), exif=exif)
    assert b"MAKER-OF-PHONES" in data
    with api(catalogue) as client: assert client.post("/api/search", files=[("photo", ("somebody.jpg", data))]).status_code == 200
    assert not (catalogue/"feedback"/"photos").exists()
    assert "somebody" not in (catalogue/"feedback"/"log.jsonl").read_text() and "testclient" not in (catalogue/"feedback"/"log.jsonl").read_text()
    with api(catalogue, keep_photos=True) as client:
        assert client.post("/api/search", files=[("photo", ("somebody.jpg", data))]).status_code == 200
        assert client.post("/api/items", files=[("photo", ("somebody.jpg", data))], data=dict(item_id="x"), headers=bearer()).status_code == 201
    kept = [*(catalogue/"feedback"/"photos").glob("*.jpg"), *(catalogue/"uploads").iterdir()]
    assert len(kept) == 2
    for file in kept: assert b"MAKER" not in file.read_bytes() and not Image.open(file).getexif()


def test_torn_lines(tmp_path):
    log = FeedbackLog(tmp_path)
    for cut in (1, 5, 30, 60):
        log.append(dict(kind="search", search_id=new_search_id(log.key)))
        log.close()
        log.path.write_bytes(log.path.read_bytes()[:-cut])
        log.append(dict(kind="feedback", cut=cut))
    records, damaged = read_log(log.path)
    assert [o["cut"] for o in records if o["kind"] == "feedback"] == [1, 5, 30, 60]
    assert damaged == 3  # a line that lacks only its end is whole


def test_full_disk(tmp_path, monkeypatch):
    log = FeedbackLog(tmp_path)
    log.append(dict(kind="search"))
    write = os.write
    def full(handle, data):
        write(handle, data[:10])
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(Exception, match="No space left") as error: log.append(dict(kind="feedback", lost=True))
    assert error.value.status == 507
    monkeypatch.setattr(os, "write", write)
    log.append(dict(kind="feedback", lost=False))
    assert [o.get("lost") for o in read_log(log.path)[0]] == [None, False]


def test_starting(tmp_path):
    (tmp_path/"token").write_text("short\n")
    with pytest.raises(BadInput, match="at least 16"): read_token(tmp_path/"token")
    with pytest.raises(BadInput, match="cannot be read"): read_token(tmp_path/"nothing")
    first = taken_port("127.0.0.1", 0)
    with pytest.raises(BadInput, match="choose another --port"): taken_port("127.0.0.1", first.getsockname()[1])
    first.close()


# ---- a real server


def test_memory_of_a_bomb(catalogue):
    with running(catalogue, "--workers", "1") as server:
        client = Client(server.port)
        client.search(GOOD, box="0,0,64,64")
        before = memory(server)
        bomb = png_header(30_000, 30_000, 3_000)
        for _ in range(5): assert client.search(bomb)[0] == 413
        assert memory(server) < 1.1*before


def test_killed_and_stopped(catalogue, photos, tmp_path):
    found = killed(catalogue, photos.path[0], rounds=2)
    assert found["feedback_acknowledged"] and not found["feedback_lost"] and not found["items_lost"] and found["check"] == []
    with open(tmp_path/"log", "w") as log, running(catalogue, log=log) as server:
        client = Client(server.port)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            late = pool.submit(client.search, photos.path[0])
            time.sleep(0.1)
            server.send_signal(signal.SIGTERM)
            assert late.result()[0] == 200  # what was inside is finished
        server.wait(60)
    lines = [json.loads(o) for o in (tmp_path/"log").read_text().splitlines() if o.startswith("{")]
    assert [o["event"] for o in lines][-1] == "stop"
    assert any(o.get("route") == "/api/search" and o["status"] == 200 and "client" not in o for o in lines)


def test_demo_and_feedback(tmp_path):
    "As `make demo` starts it; then what was answered, as a table"
    (process_port, args) = free_port(), ["demo", "--out", str(tmp_path), "--items", "10"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *args, "--port", str(process_port)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process.port = process_port
    try:
        wait_for(process, PATIENCE/1000)
        client = Client(process.port)
        found = client.search(client.ask("GET", "/api/examples/0")[1])[1]
        assert client.feedback(found["search_id"], found["results"][0]["answers"][0]["item_id"]) == (200, dict(noted=True))
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE/1000)
    finally: process.kill()
    assert "1 photos of known items" in command("feedback", tmp_path/"catalogue", "--out", tmp_path/"asked.csv").stdout
    assert (read_table(tmp_path/"asked.csv").role == "snapshot").sum() == 1
    assert "no answers" in command("feedback", tmp_path/"catalogue", "--out", tmp_path/"a.csv", "--log", tmp_path, code=2).stderr
    assert "is a folder" in command("benchmark", "serve", "--out", tmp_path, code=2).stderr


# ---- a real browser


@pytest.fixture(scope="module")
def address(built, photos):
    "A server for the browser"
    folder = built.parent/"for-the-browser"
    shutil.copytree(built, folder)
    with running(folder, "--keep-photos") as server: yield f"http://127.0.0.1:{server.port}", folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def chromium():
    if not CHROMIUM: pytest.skip("no Chromium on this machine: apt-get install chromium")
    play = pytest.importorskip("playwright.sync_api", reason='the browser test needs playwright: pip install "fashion_retail[dev]"')
    with play.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


DESK = dict(viewport=dict(width=1440, height=900), color_scheme="light", locale="en-US")
PHONE = dict(viewport=dict(width=390, height=844), color_scheme="dark", locale="de-DE", has_touch=True, is_mobile=True, device_scale_factor=2)


def faults(page, name):
    "Serious accessibility faults, by axe where it is installed; and what is wider than the window"
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{name}: {wide} pixels wider than the window"
    try: from axe_playwright_python.sync_playwright import Axe
    except ImportError: return []
    found = Axe().run(page).response["violations"]
    return [(name, o["id"], o["nodes"][0]["html"][:150], o["nodes"][0].get("failureSummary", "")[:200]) for o in found if o["impact"] in ("serious", "critical")]


def until(page, expression, *arg):
    "Wait until it is true; the page's policy forbids the eval that `wait_for_function` needs"
    end = time.monotonic() + PATIENCE/1000
    while not page.evaluate(expression, *arg):
        assert time.monotonic() < end, expression
        time.sleep(0.05)


@pytest.mark.parametrize("profile", [DESK, PHONE], ids=["desk", "phone"])
def test_a_person_searches(chromium, address, photos, profile):
    address, folder = address
    phone = bool(profile.get("has_touch"))
    kind, strange = "phone" if phone else "desk", []
    context = chromium.new_context(**profile, bypass_csp=False)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda o: o.type in ("error", "warning") and strange.append(o.text))
    page.on("pageerror", lambda o: strange.append(str(o)))
    asked = []
    page.on("request", lambda o: asked.append(o.url))
    press = (lambda selector: page.tap(selector)) if phone else (lambda selector: page.click(selector))
    def shot(name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS/f"{kind}-{name}.jpg", type="jpeg", quality=60)
    def state(name): page.wait_for_selector(f".fr[data-state={name}]")
    bad = []

    page.goto(address)
    page.wait_for_selector(".note")
    assert len(asked) <= 5, asked
    assert page.locator("[capture=environment]").count() == 1
    bad += faults(page, "start")
    shot("1-start")
    page.evaluate("""() => { window.seen = []; new MutationObserver(() => {
        const now = `${document.querySelector('.fr').dataset.state} ${document.querySelector('.stage.seen') ? 'outline' : ''}`;
        if (window.seen.at(-1) !== now) window.seen.push(now) }).observe(document.querySelector('.fr'), { subtree: true, childList: true, attributes: true }) }""")
    page.set_input_files(".choose .button:nth-child(2) input", photos.path[0])
    state("found")
    assert "busy outline" in page.evaluate("window.seen"), "the outline is drawn before the answers are there"
    until(page, "document.querySelectorAll('.answers li').length === 10")
    until(page, "document.querySelector('.answers img').complete")
    bad += faults(page, "found")
    shot("2-found")
    assert page.evaluate("""() => { const o = document.querySelector('.stage canvas'), d = o.getContext('2d').getImageData(0, 0, o.width, o.height).data;
                            let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i] > 240 && d[i+1] < 30 && d[i+2] > 110 && d[i+2] < 170; return n }""") > 100  # the outline

    category = page.locator("[data-key=filter-category]")
    category.tap() if phone else category.click()
    value = page.locator(".values button").first.inner_text()
    bad += faults(page, "filter")
    press(".values button:first-child")
    state("found")
    until(page, "value => [...document.querySelectorAll('.answers .what')].every(o => o.textContent.includes(value))", value)
    press(".values button:first-child")
    until(page, "document.querySelectorAll('.answers li').length === 10 && document.querySelector('.fr').dataset.state === 'found'")

    press("[data-key=mark]")  # the other garment: a box, then a tap
    box = page.locator(".stage canvas").bounding_box()
    at = [(box["x"] + x*box["width"], box["y"] + y*box["height"]) for x, y in ((.2, .2), (.5, .5), (.8, .8))]
    if phone:
        finger = context.new_cdp_session(page)
        for i, (x, y) in enumerate(at):
            finger.send("Input.dispatchTouchEvent", dict(type="touchMove" if i else "touchStart", touchPoints=[dict(x=x, y=y, id=1)]))
        finger.send("Input.dispatchTouchEvent", dict(type="touchEnd", touchPoints=[]))
    else:
        page.mouse.move(*at[0])
        page.mouse.down()
        for x, y in at[1:]: page.mouse.move(x, y, steps=5)
        page.mouse.up()
    state("found")
    bad += faults(page, "box")
    shot("3-box")
    press("[data-key=mark]")
    if phone: page.touchscreen.tap(*at[1])
    else:  # with the keys alone
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
    state("found")

    press("[data-key=answer-1]")
    page.wait_for_selector("dialog[open]")
    if not phone:
        page.keyboard.press("ArrowLeft")
        until(page, "document.querySelector('dialog h2').textContent.startsWith('1.')")
    item = page.locator("dialog h2").inner_text().partition(" ")[2]
    until(page, "document.querySelector('dialog img').complete")
    bad += faults(page, "compare")
    shot("4-compare")
    press("dialog .main")
    page.wait_for_selector(".answers .chosen")
    shot("5-noted")
    until(page, "localStorage['fashion-retail-recent']?.includes('\"said\":\"item')")
    page.set_input_files(".foot input", photos.path[1])
    state("found")
    if phone: page.tap("[data-key=none]")
    else: page.keyboard.press("n")
    until(page, "localStorage['fashion-retail-recent']?.includes('\"said\":null')")
    assert page.is_disabled("[data-key=mark]")  # what was said is said of this garment
    page.set_input_files(".foot input", photos.path[2])
    state("found")
    page.set_input_files(".tools input", photos.path[3])  # a second photo of the same garment
    until(page, "document.querySelectorAll('.strip button').length === 3 && document.querySelector('.fr').dataset.state === 'found'")
    bad += faults(page, "together")
    shot("6-together")
    page.set_input_files(".tools input", dict(name="x.jpg", mimeType="image/jpeg", buffer=b"<html>"))  # one of three is broken
    state("problem")
    assert "Photo 3:" in page.inner_text(".verdict") or "Foto 3:" in page.inner_text(".verdict")
    bad += faults(page, "broken")
    shot("6-broken")
    press(".verdict button")
    state("found")
    said = [o for o in read_log(folder/"feedback"/"log.jsonl")[0] if o["kind"] == "feedback"]
    assert [o["item_id"] for o in said[-2:]] == [item, None]

    page.reload()
    page.wait_for_selector(".recent li")
    assert page.locator(".recent li").count() >= 3
    bad += faults(page, "recent")
    shot("7-recent")
    press(".recent li:first-child button")
    state("found")
    page.set_input_files(".foot input", dict(name="x.jpg", mimeType="image/jpeg", buffer=b"<html>"))
    state("problem")
    shot("8-problem")
    page.goto(f"{address}/api")
    page.wait_for_selector("h2")
    bad += faults(page, "api")
    context.close()
    assert not bad
    assert all(o.startswith((address, "blob:", "data:")) for o in asked), [o for o in asked if not o.startswith(address)]
    assert not [o for o in strange if "415" not in o], strange  # the browser itself reports the refusal of the web page


def test_a_photo_that_is_missing_is_named(chromium, built, photos, tmp_path):
    "A copy of a catalogue without its photos: words in place of ten broken pictures, and in the comparison"
    with running(shutil.copytree(built, tmp_path/"far"/"away"/"catalogue"), "--feedback", str(tmp_path/"log")) as server:
        page = chromium.new_context(locale="en-US").new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"http://127.0.0.1:{server.port}")
        page.wait_for_selector(".note")
        page.set_input_files(".choose .button:nth-child(2) input", photos.path[0])
        page.wait_for_selector(".answers .missing")
        assert page.locator(".answers .missing").first.inner_text() == "Photo missing"
        page.locator(".answers button").first.click()
        page.wait_for_selector(".pair .missing")
        page.context.close()


def test_a_page_without_a_server(chromium, built, photos):
    "The server goes away: a sentence, and the photo is still there"
    with running(built, "--feedback", str(built.parent/"away")) as server:
        page = chromium.new_context(locale="en-US").new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"http://127.0.0.1:{server.port}")
        page.wait_for_selector(".note")
        server.kill()
        server.wait()
        page.set_input_files(".choose .button:nth-child(2) input", photos.path[0])
        page.get_by_text("The server does not answer").wait_for()
        assert page.locator(".stage canvas").count() == 1 and page.get_by_text("Try again").count() == 1
        page.context.close()

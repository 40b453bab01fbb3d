"What was made quicker on the way from photo to mask gives the very same numbers as its plain definition"
import cv2
import numpy as np
import pytest

from fashion_retail import labeling
from fashion_retail.choosing import _most_likely, choose_garment
from fashion_retail.descriptors import Preparation
from fashion_retail.labeling import disc, lift_mask, shrink
from fashion_retail.training import PAD, letterbox, to_tensor
from fashion_retail.tiramisu import MEAN, STD
from fashion_retail.wearers import make_wearers
from fashion_retail.data import load_image, load_mask


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    rows = make_wearers(tmp_path_factory.mktemp("wearers"), 3, size=240, seed=3)
    return [(load_image(row.path), load_mask(row.mask_path)) for row in rows.itertuples()]


def plain_guided(guide, mask, r=4, eps=1e-4):
    "The guided filter as it is defined, all nine covariances"
    blur, p = (lambda o: cv2.blur(o, (2*r + 1, 2*r + 1), borderType=cv2.BORDER_REFLECT)), mask.astype(np.float32)
    mean_i, mean_p = blur(guide), blur(p)
    a, edge = np.zeros_like(guide), (mean_p > 0) & (mean_p < 1)
    mean = mean_i[edge].astype(np.float64)
    cov = blur(guide*p[..., None])[edge] - mean*mean_p[edge][:, None]
    var = [blur(guide[..., i]*guide[..., j])[edge] - mean[:, i]*mean[:, j] for i in range(3) for j in range(3)]
    var = np.stack(var, -1).reshape(-1, 3, 3) + eps*np.eye(3)
    a[edge] = np.linalg.solve(var, cov[..., None])[..., 0]
    return blur(a), blur(mean_p - (a*mean_i).sum(-1))


def test_the_guided_filter_is_its_definition(photos):
    for photo, truth in photos:
        small = shrink(photo, 160).astype(np.float32)/255
        mask = cv2.resize(truth.astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_AREA) > 0
        for one, other in zip(labeling._guided(small, mask), plain_guided(small, mask)):
            assert np.array_equal(one, other)


def test_a_mask_is_lifted_alike_with_the_small_photo_and_without(photos):
    for photo, truth in photos:
        small = shrink(photo, 160)
        mask = cv2.resize(truth.astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_AREA) > 0
        lifted = lift_mask(mask, photo)
        assert np.array_equal(lifted, lift_mask(mask, photo, small)) and lifted.any()
        far = cv2.dilate(lifted.astype(np.uint8), disc(9)) == cv2.erode(lifted.astype(np.uint8), disc(9))
        plain = cv2.resize(mask.astype(np.uint8), photo.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
        assert np.array_equal(lifted[far], plain[far])


def test_what_the_network_sees_is_its_definition(photos):
    for photo, _ in photos:
        square, (high, wide) = letterbox(photo, 96), photo.shape[:2]
        assert square.shape == (96, 96, 3)
        inner = round(wide*96/max(high, wide)), round(high*96/max(high, wide))
        left, top = (96 - inner[0])//2, (96 - inner[1])//2
        framed = np.full((96, 96, 3), PAD, np.uint8)
        framed[top:top + inner[1], left:left + inner[0]] = cv2.resize(photo, inner, interpolation=cv2.INTER_AREA)
        assert np.array_equal(square, framed)
        assert np.array_equal(to_tensor(square).numpy(), np.float32((square/255 - MEAN)/STD).transpose(2, 0, 1))


def test_areas_are_shares_of_the_most_likely_classes():
    maps = np.random.default_rng(0).integers(0, 5, (6, 40, 30)).astype(np.float32)
    best = maps.argmax(0)
    assert np.array_equal(_most_likely(maps), best)
    quiet = maps*0.3/4  # nobody wears anything twice, so no person is taken away
    assert [*choose_garment(quiet).areas.values()] == [float((quiet.argmax(0) == k).mean()) for k in range(6)]


def test_what_is_not_garment_becomes_white(photos):
    for photo, mask in photos:
        square, _ = Preparation(64)(photo, mask)
        white = np.where(mask[..., None], photo, np.uint8(255))
        assert np.array_equal(square, Preparation(64, background=None)(white, mask)[0])

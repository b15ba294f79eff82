"""Scaled perturbations: radii against a linear net's exact ones, curves against plain counting."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from blindspots.attacks import lbfgs
from blindspots.figures.curves import curves
from blindspots.figures.curves import curves as draw
from blindspots.files.images import Images
from blindspots.interface import Box
from blindspots.measurements import directions, sweep
from blindspots.measurements.exhibits import Exhibit
from blindspots.threat.rays import Ray
from blindspots.threat.targets import choose_targets

BOX = Box(0.0, 1.0)
N = 40
SETTINGS = sweep.Settings("e", [0.02, 0.05, 0.1, 0.2, 0.3], draws=3, seed=5, chunk=16)


def swept(*given):
    """Return the three tables, each whole."""
    parts = {}
    for part in sweep.swept(*given):
        for name, rows in part.items():
            parts.setdefault(name, []).append(rows)
    return [pa.concat_tables(parts[name]) for name in ("radii", "curves", "witnesses")]


@pytest.fixture
def data(digits):
    return Images(digits[0][:N], digits[1][:N], np.arange(N), "train", 10, BOX)


@pytest.fixture
def exhibit(data, softmax_net):
    logits = softmax_net(data.images)
    targets = choose_targets("second_best", logits, data.labels, 10, seed=0, rows=data.rows)
    found = lbfgs(softmax_net, data.images, data.labels, targets)
    return Exhibit(
        "A",
        "lbfgs",
        None,
        None,
        data,
        found.images,
        found.success.numpy(),
        found.distortion.numpy(),
    )


@pytest.mark.parametrize("clip", [True, False])
def test_a_rays_scale_has_the_distortion_asked_for_and_none_is_smaller(clip):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(50, 1, 6, 6, generator=generator, dtype=torch.float64)
    direction = torch.randn(50, 1, 6, 6, generator=generator, dtype=torch.float64)
    direction[:, :, 0] = 0
    images[:, :, 1] = images[:, :, 1].round()  # pixels at their bounds
    wanted = torch.rand(50, generator=generator, dtype=torch.float64) * 0.8
    scale, reached = Ray(images, direction, BOX, clip=clip).scales(wanted)
    moved = images + scale.view(-1, 1, 1, 1) * direction
    moved = moved.clamp(0, 1) if clip else moved
    found = (moved - images).flatten(1).square().mean(dim=1).sqrt()
    assert torch.allclose(found[reached], wanted[reached], rtol=1e-9)
    farthest = (images + 1e9 * direction).clamp(0, 1) - images
    farthest = farthest.flatten(1).square().mean(dim=1).sqrt()
    assert torch.equal(reached, farthest >= wanted) if clip else reached.all()


def test_a_radius_is_where_the_victim_begins_to_err(data, exhibit, softmax_net, sigmoid_net):
    direction = directions.Direction(data, exhibit.images - data.images)
    victims = {"A": softmax_net, "B": sigmoid_net}
    for name, radius, errs, _, reached, *_ in directions.radii(
        direction, victims, SETTINGS.distortions
    ):
        model = victims[name]
        clean = (model(data.images).argmax(dim=1) != data.labels).numpy()
        assert (radius[clean] == 0).all()
        found = ~np.isnan(radius) & ~clean
        assert found.sum() > 10
        for sign, wrong in ((1 - 2e-3, False), (1 + 1e-6, True)):
            at = torch.from_numpy(np.nan_to_num(radius) * sign)
            _, _, images = direction.at(at)
            answers = (model(images).argmax(dim=1) != data.labels).numpy()
            assert (answers[found] == wrong).mean() > 0.97  # bisected to a share of the grid's step
        assert reached.all()
        assert (errs.any(axis=0) | clean == ~np.isnan(radius)).all()


def test_a_linear_nets_own_radius_is_the_distortion_that_its_attack_found(
    data, exhibit, softmax_net
):
    direction = directions.Direction(data, exhibit.images - data.images)
    ((_, radius, *_),) = directions.radii(direction, {"A": softmax_net}, SETTINGS.distortions)
    right = (softmax_net(data.images).argmax(dim=1) == data.labels).numpy()
    assert (radius[right] <= exhibit.distortion[right] * (1 + 1e-4)).all()
    assert (radius[right] >= exhibit.distortion[right] * 0.9).all()


def test_the_tables_say_what_plain_counting_says(data, exhibit, softmax_net, sigmoid_net):
    victims = {"A": softmax_net, "B": sigmoid_net}
    radii, curves, _ = swept(data, [exhibit], victims, SETTINGS)
    frame, lines = radii.to_pandas(), curves.to_pandas()
    assert len(frame) == 2 * N
    assert frame[["noise_draws", "noise_in_box_draws"]].eq(3).all(axis=None)
    direction = directions.Direction(data, exhibit.images - data.images)
    for name, model in victims.items():
        for distortion in SETTINGS.distortions:
            _, _, images = direction.at(distortion)
            wrong = int((model(images).argmax(dim=1) != data.labels).sum())
            line = lines[(lines["source"] == "A") & (lines["victim"] == name)]
            line = line[line["distortion"] == distortion]
            assert line[["wrong", "n"]].to_numpy().tolist() == [[wrong, N]]
    for kind, clip in (("noise", False), ("noise in the box", True)):
        noise = lines[lines["direction"] == kind].set_index(["victim", "distortion"])
        drawn = [n for name, n in directions.noise(data, SETTINGS.draws, SETTINGS.seed)
                 if name == kind]  # fmt: skip
        for (name, distortion), line in noise.iterrows():
            images = [of.at(distortion)[2] for of in drawn]
            assert all(bool(((of >= 0) & (of <= 1)).all()) == clip for of in images)
            wrong = [(victims[name](of).argmax(dim=1) != data.labels).sum() for of in images]
            assert line[["wrong", "n"]].tolist() == pytest.approx([np.mean(wrong), N])
        assert len(noise) == 2 * len(SETTINGS.distortions)
    assert set(lines["direction"]) == {"lbfgs", "noise", "noise in the box", "other image"}


def test_the_chunk_changes_nothing(data, exhibit, softmax_net):
    one, other = (
        swept(data, [exhibit], {"A": softmax_net}, SETTINGS._replace(chunk=chunk))
        for chunk in (7, 64)
    )
    for column in ("noise_fooled", "noise_in_box_fooled"):
        assert one[0][column].to_pylist() == other[0][column].to_pylist()
    assert np.allclose(one[1]["wrong"], other[1]["wrong"])


def test_an_image_whose_attack_failed_has_no_radius_and_is_not_counted(data, exhibit, softmax_net):
    failed = replace(exhibit, success=np.arange(N) >= 4)
    radii, curves, _ = swept(data, [failed], {"A": softmax_net}, SETTINGS)
    assert radii["radius"].to_pylist()[:4] == [None] * 4
    for column in ("noise_fooled", "noise_in_box_fooled"):
        assert radii[column].to_pylist()[:4] == [None] * 4
    lines = curves.to_pandas()
    assert lines.loc[lines["source"] == "A", "n"].eq(N - 4).all()


class Detector(torch.nn.Module):
    """Ten classes, and an eleventh logit that exceeds them on images other than its own."""

    def __init__(self, net, known):
        super().__init__()
        self.net, self.known = net, known

    def forward(self, x):
        strange = torch.cdist(x.flatten(1), self.known.flatten(1)).amin(dim=1) > 1e-3
        return torch.cat([self.net(x), torch.where(strange, 1e6, -1e6)[:, None]], dim=1)


def test_a_victim_that_rejects_what_was_perturbed_is_never_fooled(data, exhibit, softmax_net):
    victims = {"A": softmax_net, "D": Detector(softmax_net, data.images)}
    radii, curves, _ = (table.to_pandas() for table in swept(data, [exhibit], victims, SETTINGS))
    wrong = (softmax_net(data.images).argmax(dim=1) != data.labels).numpy()
    of = radii[radii["victim"] == "D"]
    assert (of.loc[wrong, "radius"] == 0).all()  # rejections do not hide errors on unaltered images
    assert of.loc[~wrong, "radius"].isna().all()
    kinds = ("noise", "noise_in_box")
    assert of.loc[~wrong, [f"{kind}_fooled" for kind in kinds]].eq(0).all(axis=None)
    lines = curves[curves["direction"] != "other image"]  # which may end at one that it knows
    assert lines.loc[lines["victim"] == "D", "wrong"].eq(0).all()
    assert lines.loc[lines["victim"] == "A", "wrong"].gt(0).any()
    rejects = lines[lines["victim"] == "D"]
    assert (rejects["rejected"] == rejects["n"]).all()  # and all perturbed images are rejected
    assert lines.loc[lines["victim"] == "A", "rejected"].eq(0).all()
    for kind in kinds:
        fooled, rejected, draws = (of[f"{kind}_{name}"] for name in ("fooled", "rejected", "draws"))
        assert (fooled + rejected == draws)[fooled.notna()].all()
    (panel,) = [axes for axes in draw(curves, labels={}).axes if axes.get_title() == "D"]
    assert {"-."} <= {line.get_linestyle() for line in panel.lines}


def test_an_attack_called_noise_is_counted_and_drawn_as_an_attack(data, exhibit, softmax_net):
    plain, noise = (
        swept(data, [exhibit, other], {"A": softmax_net}, SETTINGS._replace(distortions=[0.3]))[1]
        for other in (replace(exhibit, attack="pgd"), replace(exhibit, attack="noise"))
    )
    assert noise.drop_columns("direction").equals(plain.drop_columns("direction"))
    of_noise = noise.to_pandas().query("direction == 'noise'")
    assert of_noise["source"].isna().sum() == 1 and of_noise["n"].tolist() == [N, N]
    figure = draw(of_noise, labels={})
    (panel,) = [axes for axes in figure.axes if axes.get_title() == "A"]
    assert [line.get_linestyle() for line in panel.lines if len(line.get_xdata())] == ["-", "--"]
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["A", "noise"]
    out_of_reach = of_noise.assign(n=of_noise["n"].where(of_noise["source"].notna(), 0.0))
    texts = draw(out_of_reach, labels={}).legends[0].get_texts()
    assert [text.get_text() for text in texts] == ["A", "noise, no image"]


def test_a_net_called_noise_has_a_line_and_a_label_of_its_own(data, exhibit, softmax_net):
    called = replace(exhibit, source="noise")
    _, table, _ = swept(data, [called], {"noise": softmax_net}, SETTINGS)
    figure = draw(table.to_pandas(), labels={"noise": "trained with noise"})
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["trained with noise", "noise", "noise in the box", "other image"]


def test_a_distortion_that_only_images_outside_the_box_reach_has_a_line_of_noise_alone(
    data, exhibit, softmax_net
):
    far = SETTINGS._replace(distortions=[8.0])
    _, table, _ = swept(data, [exhibit], {"A": softmax_net}, far)
    reached = dict(zip(table["direction"].to_pylist(), table["n"].to_pylist(), strict=True))
    assert reached == {"noise": N, "noise in the box": 0, "lbfgs": 0, "other image": 0}
    figure = curves(table.to_pandas(), labels={"A": "net A"})
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["net A, no image", "noise", *(f"{name}, no image" for name in
                     ("noise in the box", "other image"))]  # fmt: skip


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_figure_has_a_panel_per_victim_with_a_line_per_direction(
    data, exhibit, softmax_net, sigmoid_net, seeds
):
    victims = {"A": softmax_net, "B": sigmoid_net}
    found = [swept(data, [exhibit], victims, SETTINGS._replace(seed=s)) for s in range(seeds)]
    frame = pd.concat(table.to_pandas() for _, table, _ in found)
    in_box = frame["direction"] == "noise in the box"
    frame.loc[in_box, "n"] -= 1 / 3  # some draws cannot be as long
    panels = [axes for axes in curves(frame, labels={"A": "net A"}).axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == ["net A", "B"]
    lines = [line for line in panels[1].lines if len(line.get_xdata())]
    assert len(lines) == 4
    plain = [line.get_color() for line in lines if line.get_linestyle() != "-"]
    assert len(set(plain)) == 3  # noise, noise in the box, other image
    of = frame[(frame["victim"] == "B") & (frame["source"] == "A")]
    expected = of.groupby("distortion")[["wrong", "n"]].sum()
    drawn = next(line for line in lines if line.get_linestyle() == "-")
    assert np.allclose(drawn.get_ydata(), 100 * expected["wrong"] / expected["n"])

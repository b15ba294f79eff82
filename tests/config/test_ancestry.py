"""Ancestors of a config's nets, datasets and attacks."""

from blindspots.config.ancestry import ancestors, made_of

CONFIG = {
    "nets": {
        "given": {"data": "plain"},
        "tuned": {"data": "plain", "parents": {"start": "given"}},
        "tuned@3": {"data": "plain", "checkpoint": {"net": "tuned", "step": 3}},
        "both": {"data": "plain", "parents": {"a": "tuned@3", "b": "other"}},
        "other": {"data": "plain"},
        "on-made": {"data": "made"},
        "warned": {
            "data": "plain",
            "attacked": {"near": {"experiment": "before", "net": "other", "attack": "aided"}},
        },
        "shown": {
            "data": "plain",
            "attacked": {"near": {"experiment": "on-made", "net": "other", "attack": "alone"}},
        },
    },
    "datasets": {
        "plain": {"data": None},
        "made": {"data": "plain", "parents": {"net": "given"}},
    },
    "attacks": {"aided": {"parents": {"surrogate": "tuned"}}, "alone": {}},
    "experiments": {"before": {"data": "plain"}, "on-made": {"data": "made"}},
}


def nets_behind(section, name):
    return {net for kind, net in ancestors(CONFIG, [(section, name)]) if kind == "nets"}


def test_a_net_is_made_of_its_parents_of_what_it_is_a_checkpoint_of_and_so_on():
    assert nets_behind("nets", "given") == set()
    assert nets_behind("nets", "tuned@3") == {"tuned", "given"}
    assert nets_behind("nets", "both") == {"tuned@3", "tuned", "given", "other"}


def test_the_nets_of_a_dataset_and_of_an_attack_count():
    assert nets_behind("datasets", "made") == {"given"}
    assert nets_behind("attacks", "aided") == {"tuned", "given"}
    assert nets_behind("nets", "on-made") == {"given"}


def test_attacked_images_count_with_their_net_their_attack_and_their_dataset():
    assert nets_behind("nets", "warned") == {"other", "tuned", "given"}
    assert nets_behind("nets", "shown") == {"other", "given"}


def test_what_is_not_there_is_made_of_nothing():
    assert list(made_of(CONFIG, ("nets", "nowhere"))) == []


def test_what_is_made_of_itself_is_among_its_ancestors():
    circle = CONFIG | {"nets": {"a": {"parents": {"x": "b"}}, "b": {"parents": {"x": "a"}}}}
    assert ("nets", "a") in ancestors(circle, [("nets", "a")])

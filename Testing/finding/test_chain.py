"""Chains and names worked out by hand."""

import numpy as np
import pytest

from ReVertLib.finding import chain as module
from ReVertLib.finding.chain import Candidates, best_chain, readings
from ReVertLib.network.film_cells import NAMED

T12, L1, L2, L3, L4, L5, L6, S1 = 19, 20, 21, 22, 23, 24, 25, 26


def candidates(places, probability):
    return Candidates(np.array(places, float), np.array(probability, float), np.zeros((len(places), len(NAMED))))


def names(*rows):
    """(n, NAMED) log-probabilities from a dictionary for each vertebra; the rest is shared by all others."""
    shares = np.zeros((len(rows), len(NAMED)))
    for share, row in zip(shares, rows, strict=True):
        share[:] = (1 - sum(row.values())) / (len(NAMED) - len(row))
        for label, probability in row.items():
            share[NAMED.index(label)] = probability
    return np.log(shares)


def test_a_chain_leaves_out_what_lies_beside_and_what_is_unlikely():
    found = best_chain(candidates([(0, 71), (60, 50), (2, 0), (1, 34), (0, 105)], [0.9, 0.5, 0.9, 0.9, 0.1]))
    assert found.members == [2, 3, 0]  # from top to bottom
    assert found.places.tolist() == [0, 1, 2]
    # The steps are those from L1 to L2 and to L3, to within 1 %.
    assert found.score == pytest.approx(3 * (np.log(9) + module.OFFSET), abs=0.01)


def test_a_vertebra_that_was_missed_costs_less_than_the_chain_beyond_it():
    places = [(0, 0), (0, 34), (0, 111), (0, 151)]  # the one 71 below the first is missing
    found = best_chain(candidates(places, [0.9] * 4))
    assert found.members == [0, 1, 2, 3]
    assert found.places.tolist() == [0, 1, 3, 4]
    assert found.score == pytest.approx(4 * (np.log(9) + module.OFFSET) - module.MISS_COST, abs=0.01)


def test_two_middles_in_one_vertebra_are_not_both_in_the_chain():
    assert best_chain(candidates([(0, 0), (0, 10), (0, 40)], [0.8, 0.9, 0.9])).members == [1, 2]


def test_two_middles_with_one_name_are_not_both_in_the_chain():
    rows = names({L3: 0.9}, {L4: 0.9}, {L5: 0.9}, {L5: 0.9}, {S1: 0.9})
    places = np.array([(0, 0), (0, 40), (0, 68), (0, 92), (0, 116)], float)
    found = best_chain(Candidates(places, np.array([0.9, 0.9, 0.8, 0.5, 0.9]), rows))
    assert found.members == [0, 1, 2, 4]
    by_places = best_chain(Candidates(places, np.array([0.9, 0.9, 0.8, 0.5, 0.9]), np.zeros_like(rows)))
    assert 3 in by_places.members


def test_nothing_likely_makes_no_chain():
    assert best_chain(candidates([(0, 0), (0, 35)], [0.05, 0.1])).members == []
    nothing = best_chain(Candidates(np.zeros((0, 2)), np.zeros(0), np.zeros((0, len(NAMED)))))
    assert (nothing.members, nothing.score) == ([], 0.0)


def test_a_sure_sacrum_names_all_above_it():
    unsure = {L3: 0.3, L4: 0.35, L5: 0.3}
    found = readings(names(unsure, unsure, {S1: 0.99}), np.arange(3))
    assert found[0].labels == (L4, L5, S1)
    # Of the readings that end in S1, L5 L6 S1 is the other one; L6 has a share of 0.05 / 12 of what is not said.
    probability = {reading.labels: reading.probability for reading in found}
    odds = (0.35 * 0.3) / (0.3 * 0.05 / 12)
    assert probability[L4, L5, S1] / probability[L5, L6, S1] == pytest.approx(odds**module.SHARPNESS)
    assert probability[L4, L5, S1] + probability[L5, L6, S1] > 0.9


def test_a_missed_vertebra_keeps_its_name():
    found = readings(names({L2: 0.9}, {L3: 0.9}, {L5: 0.9}), np.array([0, 1, 3]))
    assert found[0].labels == (L2, L3, L5)


def test_six_lumbar_vertebrae_are_a_reading_of_their_own():
    row = [{label: 0.8} for label in (T12, L1, L2, L3, L4, L5, L6, S1)]
    found = readings(names(*row), np.arange(8))
    assert found[0].labels == (T12, L1, L2, L3, L4, L5, L6, S1)


def test_where_nothing_tells_all_readings_are_alike():
    found = readings(names({}, {}), np.arange(2))
    probabilities = [reading.probability for reading in found]
    assert sum(probabilities) == pytest.approx(1)
    assert max(probabilities) < 0.1
    assert len(found) >= 17  # T1 T2 to L5 S1, and those with L6

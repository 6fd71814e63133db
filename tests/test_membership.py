import pandas as pd
from shared import four_profiles

from cycle_analysis.profiles import latent_profiles, ward_kmeans
from cycle_analysis.profiles.typology import (
    borderline_members,
    certainty_by_respondents,
    members,
    typical_members,
)


def test_a_unit_between_two_profiles_is_borderline_and_names_the_second():
    scores, _ = four_profiles()
    partition = latent_profiles(scores, 4)
    middle = partition.centroids.loc[[1, 2]].mean()
    scores.loc["GM9999"] = middle
    table = members(latent_profiles(scores, 4))
    assert table.loc["GM9999", "margin"] < 0.2
    assert {table.loc["GM9999", "profile"], table.loc["GM9999", "second_profile"]} == {1, 2}
    assert "GM9999" in borderline_members(table, 2).index
    assert "GM9999" not in typical_members(table, 5).index


def test_without_a_model_nobody_is_called_clearly_placed():
    table = members(ward_kmeans(four_profiles()[0], 3))
    assert table["clearly_placed"].isna().all()
    assert table["margin"].between(0, 1).all()
    assert (table["second_profile"] != table["profile"]).all()


def test_one_profile_leaves_no_second():
    scores, _ = four_profiles(20)
    for partition in (ward_kmeans(scores, 1), latent_profiles(scores, 1)):
        assert members(partition)["second_profile"].isna().all()


def test_units_are_grouped_by_their_number_of_respondents():
    table = pd.DataFrame(
        {
            "certainty": [0.9, 0.6, 0.8, 1.0, 0.7],
            "n_respondents": [1, 2, 3, 4, 12],
        }
    )
    result = certainty_by_respondents(table)
    assert result.index.tolist() == ["1", "2", "3-4", "5+"]
    assert result["n_units"].tolist() == [1, 1, 2, 1]
    assert result["n_placed"].tolist() == [1, 0, 2, 1]

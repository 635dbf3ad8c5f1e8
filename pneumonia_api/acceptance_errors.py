"""What each error about the acceptance of a model and its site profiles is answered with."""

from pneumonia_api import acceptances
from pneumonia_api.acceptance.local import TooFewFilms
from pneumonia_api.records.profiles import BrokenProfile, ProfileMissing, ProfileOfAnotherModel

ACCEPTANCE_ERRORS: dict[type[Exception], tuple[int, str, str]] = {
    acceptances.UselessPlan: (
        422,
        "useless_plan",
        "The least that you accept must be below what the model card says.",
    ),
    acceptances.NoPlan: (
        409,
        "no_plan",
        "No plan is written for this model, so there is nothing to print; write it first.",
    ),
    TooFewFilms: (
        422,
        "too_few_films",
        "A site profile needs films of more patients, ill and healthy, of whom the truth is known.",
    ),
    ProfileMissing: (404, "no_such_profile", "There is no site profile with this id."),
    BrokenProfile: (
        409,
        "broken_profile",
        "This site profile is damaged and cannot be used; have another one fitted.",
    ),
    ProfileOfAnotherModel: (
        409,
        "profile_of_another_model",
        "This site profile is for another model; a new model needs an acceptance of its own.",
    ),
}
"""As `pneumonia_api.errors.ERRORS`."""

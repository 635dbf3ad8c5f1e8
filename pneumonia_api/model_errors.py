"""What each error about published models is answered with."""

from pneumonia_api.records import models

MODEL_ERRORS: dict[type[Exception], tuple[int, str, str]] = {
    models.NoArtifactStore: (
        409,
        "no_artifact_store",
        "This installation has no store of models; it serves the one that it was installed with.",
    ),
    models.NoSuchModel: (404, "no_such_model", "No model of this version is published."),
    models.WrongState: (
        409,
        "wrong_model_state",
        "That cannot be done with this model; it is in service, or was not promoted before.",
    ),
    models.WishOpen: (
        409,
        "wish_open",
        "Another model is being tried at the moment; wait until that has ended.",
    ),
}
"""As `pneumonia_api.errors.ERRORS`."""

"""The sentences of the API about published models; as `stated.ANSWERS`."""

from pneumonia_web.language import N_

OF_MODELS: dict[str, tuple[str, ...]] = {
    "no_artifact_store": (
        N_(
            "This installation has no store of models; it serves the one that it was installed "
            "with."
        ),
    ),
    "no_such_model": (N_("No model of this version is published."),),
    "wrong_model_state": (
        N_("That cannot be done with this model; it is in service, or was not promoted before."),
    ),
    "wish_open": (N_("Another model is being tried at the moment; wait until that has ended."),),
}

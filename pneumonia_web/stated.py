"""The sentences of the API that pages pass on, for the catalogue of texts.

`tests/pneumonia_web/test_sentences.py` compares them with the code that states them.
"""

from pneumonia_web.language import N_
from pneumonia_web.stated_models import OF_MODELS
from pneumonia_web.stated_provider import OF_PROVIDER

ANSWERS: dict[str, tuple[str, ...]] = {
    **OF_PROVIDER,
    **OF_MODELS,
    # The web's own, of `api_client.py`.
    "unknown": (N_("The service returned an unexpected answer."),),
    "api_unavailable": (N_("The service is not responding."),),
    "empty_file": (N_("The file is empty; choose the X-ray again."),),
    "too_large": (
        N_("The file is larger than the limit; export the X-ray at a lower resolution."),
    ),
    "body_too_large": (
        N_("The body is too large; only an upload as multipart/form-data may be this large."),
    ),
    "form_too_large": (
        N_("The form has too many fields or too much text; send the X-ray and a short reference."),
    ),
    "unsupported_image": (
        N_(
            "This is not a JPEG, PNG, TIFF or DICOM image; export the X-ray in one of these "
            "formats."
        ),
    ),
    "too_many_pixels": (
        N_("The image has more pixels than the limit; export it at a lower resolution."),
    ),
    "several_files": (N_("Send one X-ray in each request; none of these was stored."),),
    "bad_idempotency_key": (
        N_("The idempotency key must be 1 to 128 printable characters without spaces."),
    ),
    "idempotency_key_reused": (
        N_("This upload's key was used for another file; reload the page and send it again."),
        N_("This reading's key was used for another one; reload the page and answer again."),
    ),
    "too_slow": (
        N_("The upload was too slow and was stopped; send it again, or send a smaller file."),
    ),
    "busy": (N_("Too many X-rays are arriving at once; send this one again in five seconds."),),
    "share_used": (
        N_(
            "You already have as many X-rays waiting as one person may; send this one again in "
            "half a minute."
        ),
    ),
    "queue_full": (N_("Too many X-rays are waiting; send this one again in half a minute."),),
    "no_model": (N_("No model is running yet; try again in half a minute."),),
    "wrong_password": (N_("The name or the password is wrong."),),
    "not_a_person": (N_("Only people have preferences; log in with a name and a password."),),
    "not_an_admin": (N_("Only an administrator of this site may do that."),),
    "not_allowed": (
        N_("Your roles do not allow that; an administrator of this site can change them."),
    ),
    "useless_plan": (N_("The least that you accept must be below what the model card says."),),
    "no_plan": (
        N_("No plan is written for this model, so there is nothing to print; write it first."),
    ),
    "too_few_films": (
        N_(
            "A site profile needs films of more patients, ill and healthy, of whom the truth is "
            "known."
        ),
    ),
    "no_such_profile": (N_("There is no site profile with this id."),),
    "broken_profile": (
        N_("This site profile is damaged and cannot be used; have another one fitted."),
    ),
    "profile_of_another_model": (
        N_("This site profile is for another model; a new model needs an acceptance of its own."),
    ),
    "too_many_failures": (
        N_("Too many failed log-ins with this name from here; try again in five minutes."),
    ),
    "log_in_expired": (N_("Too much time has passed since the password; log in again."),),
    "wrong_code": (N_("The code is wrong, too old or was used already; wait for the next one."),),
    "too_many_codes": (N_("Too many wrong codes for this name; try again in an hour."),),
    "no_secret": (N_("There is no new second factor to confirm; begin again."),),
    "factor_required": (N_("This site requires a second factor, so it cannot be removed."),),
    "second_factor_needed": (N_("This site requires a second factor; set it up first."),),
    "person_exists": (N_("There is a person with this name."),),
    "link_invalid": (
        N_(
            "This link was used, was replaced or has expired; ask an administrator for another one."
        ),
    ),
    "no_such_person": (N_("There is no such person who may log in."),),
    "own_account": (
        N_(
            "You cannot disable yourself, or take the role of an administrator from yourself; "
            "another one can."
        ),
    ),
    "name_taken": (
        N_("There is a key with this name; choose another name, or revoke that key first."),
    ),
    "no_such_key": (N_("There is no key with this name; it may have been revoked."),),
    "no_such_xray": (N_("There is no X-ray with this id; it may have been deleted."),),
    "not_reviewable": (
        N_(
            "This X-ray has no AI result to review; wait until it has been analysed, or choose "
            "another."
        ),
    ),
    "deleted_by_another": (N_("Another person deleted this X-ray; only they can restore it."),),
    "no_order": (
        N_(
            "Only X-rays that are to review can be sorted by suspicion, without a search or filter."
        ),
    ),
    "read_meanwhile": (
        N_(
            "This X-ray was read in the meantime and your answer was not recorded; look at that "
            "reading, then answer again."
        ),
    ),
    "nothing_to_withdraw": (
        N_("There is no reading here that you could withdraw; reload the page."),
    ),
    "too_many_readings": (
        N_("This X-ray has as many readings as it may have; no more can be added."),
    ),
    "not_reported": (
        N_("There is no report of this X-ray yet; it has to be analysed and read first."),
    ),
    "read_first": (N_("You see AI results after your own reading; read this X-ray first."),),
    "result_withheld": (
        N_("The AI result of this X-ray is withheld, so it is not sent to other systems."),
    ),
    "study_unknown": (
        N_(
            "There is no presentation state: this X-ray came as no DICOM, or no reference to its "
            "study was kept."
        ),
    ),
    "no_report_now": (N_("The report cannot be made at the moment; try again in half a minute."),),
    "not_confirmable": (N_("This X-ray has no AI result, so its outcome is of no use here."),),
    "too_many_outcomes": (N_("The outcome of this X-ray was changed as often as it may be."),),
    "bad_request": (N_("The request could not be read."),),
    "no_film": (N_("This X-ray has no film at full depth, or not yet; its preview is there."),),
    "no_preview": (N_("This X-ray has no preview yet."),),
    "images_unavailable": (
        N_("Images cannot be saved or opened at the moment; try again in half a minute."),
    ),
    "store_unavailable": (
        N_("The database is not responding; nothing was saved. Try again in half a minute."),
    ),
    "audit_unavailable": (
        N_(
            "The audit cannot be written, so the answer is withheld, although a change may have "
            "been made; try again in half a minute."
        ),
    ),
    "not_logged_in": (N_("Log in first: the token is missing, wrong or has expired."),),
    "not_found": (N_("There is nothing at this address."),),
    "method_not_allowed": (N_("This address does not accept that method."),),
    "unsupported_media_type": (N_("Send the X-ray as multipart/form-data."),),
    "invalid_request": (
        N_("The request has an invalid value."),
        N_("Choose pneumonia, normal or unsure."),
        N_("Choose pneumonia, normal or unknown."),
        N_("Use printable characters only."),
        N_("State what the outcome rests on; nothing if unknown."),
        N_("Enter per cent from 0.1 to 90."),
        N_("Longer than maximum length %(most)s."),
        N_("Length must be between %(least)s and %(most)s."),
        N_("Missing data for required field."),
    ),
    "internal_error": (N_("Something went wrong on our side; it was logged."),),
}
"""By the stable code of an answer; the first is what the code means."""

RECORDED = (
    N_(
        "This does not look like a frontal chest X-ray, so it was not analysed; check that the "
        "right image was sent."
    ),
    N_(
        "The image is unlike most chest X-rays that the network has seen; do not rely on the "
        "result."
    ),
    N_("The X-ray could not be judged because of a fault on our side; send it again."),
    N_(
        "The X-ray could not be judged because of a fault on our side; export it again, or delete "
        "this record and score its folder again."
    ),
    N_("The file is larger than %(most)s MB; export the X-ray smaller."),
    N_("The file holds far more %(parts)s than an X-ray needs; export it again without extras."),
    N_("The headers of the file contradict each other; export the X-ray again."),
    N_("The image file is damaged or incomplete; export it again and send the new file."),
    N_(
        "The image has %(width)s x %(height)s pixels, more than the limit of %(most)s megapixels; "
        "export it smaller."
    ),
    N_(
        "The image is only %(width)s x %(height)s pixels; send one of at least %(least)s pixels on "
        "its shorter side."
    ),
    N_("The image has far more pixels than the limit of %(most)s megapixels; export it smaller."),
    N_("The image needs more memory than an X-ray should; export it smaller."),
    N_(
        "This is a %(name)s, which is supported only inside DICOM; export the X-ray as 8-bit JPEG, "
        "PNG or DICOM."
    ),
    N_("The TIFF file holds several pages; send each X-ray as a file of its own."),
    N_("This is not a JPEG, PNG, TIFF or DICOM image; export the X-ray as one."),
    N_("The image is blank; check the export and send the X-ray again."),
    N_(
        "The image could not be read in %(seconds)s seconds; export it again, smaller or with "
        "another compression."
    ),
    N_(
        "The file crashed the program that reads it, so it is probably damaged; export it again "
        "and send the new file."
    ),
    N_("The DICOM shows %(part)s, not the chest; send a frontal chest X-ray."),
    N_("The DICOM is a lateral or oblique view; send the frontal view (PA or AP)."),
    N_("The DICOM file is damaged or incomplete; export it again and send the new file."),
    N_("The deflated DICOM holds far more data than an X-ray needs; export it uncompressed."),
    N_("The DICOM holds no image; send the object that has the X-ray itself."),
    N_("The DICOM is %(kind)s, not a chest X-ray (CR, DX or secondary capture); send the X-ray."),
    N_("The DICOM holds several frames; send each X-ray as one image."),
    N_("The DICOM is in colour; send the X-ray in grey, as it was taken."),
    N_("The DICOM does not hold pixels of 8 to 16 bits; export the X-ray with 8 to 16 bits."),
    N_("The DICOM is compressed in a way that is not supported; export it uncompressed."),
    N_("The pixels of the DICOM are damaged or incomplete; export it again and send the new file."),
    N_(
        "The DICOM names a kind of examination that is not known; check that this is a frontal "
        "chest X-ray."
    ),
    N_(
        "The DICOM names a body part that is not known to be the chest; check that this is a "
        "frontal chest X-ray."
    ),
    N_(
        "The DICOM's description mentions a lateral view; check that this is a frontal chest X-ray."
    ),
    N_(
        "A look-up table of the DICOM could not be used, so the picture may be brighter or darker "
        "than in a viewer."
    ),
    N_(
        "The DICOM says that its greys are inverted, but the pixels show that they are not; they "
        "were left as they are."
    ),
    N_("The DICOM holds raw detector data, not the picture that a viewer shows."),
    N_(
        "The film does not fill the picture: a viewer's window around it was cut off; check that "
        "the preview shows the whole film, or export the X-ray itself."
    ),
    N_(
        "The film may not fill the picture: there seems to be a viewer's window or a second "
        "picture around it; export the X-ray itself."
    ),
    N_(
        "The film seems to be mirrored (the heart lies on the wrong side); check its sides before "
        "using the result."
    ),
    N_("The film seems to be turned or upside down; turn it and send it again."),
    N_("The film seems to be a negative (bones dark, lungs bright); invert it and send it again."),
    N_(
        "The image is small (%(width)s x %(height)s pixels): it lacks fine detail that the network "
        "uses."
    ),
    N_("The image is long and narrow, unlike a frontal chest X-ray."),
    N_("The image has very little contrast; the result may be unreliable."),
)
"""Reasons of records and warnings about their images, which have no code."""

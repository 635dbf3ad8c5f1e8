"""Body part and view by the tags of a DICOM object: refused, accepted with a warning, or accepted.

Codes and defined terms are unambiguous, so another body part or a lateral view is refused. Body
Part Examined and descriptions are in practice free text in the local language, so unknown words
lead to a warning, never to a refusal.
"""

import re

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from model.reading.limits import UnreadableXray

# Defined terms of Body Part Examined (PS3.16, annex L) other than the chest, and common spellings.
_OTHER_PARTS = re.compile(
    "SKULL|[CTL]-?SPINE|SSPINE|TLSPINE|LSSPINE|SPINE|WHOLESPINE|COCCYX|SACRUM|CLAVICLE|SCAPULA|"
    "BREAST|ABDOMEN|PELVIS|HIPS?|SHOULDER|ELBOW|KNEE|ANKLE|HAND|WRIST|FINGER|THUMB|FOOT|TOE|"
    "EXTREMITY|HEAD|HEART|NECK|ARM|FOREARM|HUMERUS|LEG|FEMUR|THIGH|CALCANEUS|PATELLA|TIBIA|FIBULA|"
    "JAW|JAWBONE|MANDIBLE|MAXILLA|TEETH|ZYGOMA|ORBIT|SINUS|KIDNEY|BLADDER|UTERUS"
)

_CHEST = re.compile(
    "CHEST|THORA|T[OÓÔ]RA[XCKS]|LUNG|PULM|POLMON|POUMON|PLUCA|PŁUC|BRUST|BORST|BRYST|BRÖST|PECHO|"
    "PEITO|PETTO|POITRINE|KLATKA|HRUDN|MELLKAS|RINTA|G[ÖO][ĞG][ÜU]S|AKCI[ĞG]ER|ГРУД|ЛЕГК|ЛЁГК|"
    "ΘΩΡΑ|ΘΏΡΑ|胸|肺|흉|CXR"
)

_SAYS_NOTHING = re.compile(
    r"|NONE|UNKNOWN|UNK|UNDEFINED|UNSPECIFIED|OTHER|ANY|DEFAULT|NULL|N/?A|\W+"
)

# Anatomic Region codes of CID 4031 (PS3.16), SNOMED CT and the retired SNOMED RT.
_OTHER_REGIONS = (
    "89546000 69536005 45048000 122494005 122495006 122496007 54735007 64688005 421060004 51299004 "
    "79601000 76752008 818981001 818983003 113345001 816092008 12921003 29836001 24136001 16982005 "
    "16953009 127949000 76248009 72696002 49076000 70258002 85562004 74670003 8205005 7569003 "
    "56459004 29707007 66019005 40983000 14975008 85050009 30021000 71341001 68367000 61685007 "
    "53120007 12611008 80144004 64234005 91609006 661005 38199008 80891009 "
    "T-11100 T-D1100 T-D1600 T-11501 T-11502 T-11503 T-11AD0 T-11BF0 T-D04FF T-12310 T-12280 "
    "T-04000 T-D4000 T-D6000 T-D2500 T-15710 T-D2220 T-15430 T-D9200 T-15720 T-15750 T-D8700 "
    "T-15460 T-D8800 T-D9700 T-D9800 T-D0300 T-D8200 T-D8500 T-12410 T-D9400 T-12710 T-D9100 "
    "T-D9000 T-D8000 T-12740 T-12770 T-12730 T-11180 T-54010 T-32000"
)
_CHEST_REGIONS = "816094009 51185008 43799004 39607008 T-D3000 T-28000"

# View codes of CID 4010 (PS3.16) that are lateral, oblique or of another part. Devices differ in
# their use of the retired codes, so those are judged by Code Meaning.
_NOT_FRONTAL_CODES = (
    "399067008 399173006 399198007 399352003 399260004 30730003 399038007 399225005 399059000 "
    "399061009 399110001 399162004 399099002 399242004 399351005 260499007 399288005 399071006 "
    "399135007 260427002 399236003 399368009 399196006 399360002 399272005 399255003 399356000 "
    "399312000 399184004 399335002 399316002 399182000 260426006 399132005 399325008 399160007 "
    "399004004 399006002"
)

# "Lateral" in the languages of Europe, as whole words.
_LATERAL = (
    "LAT|LATERAL|LATERAL[EO]S?|LAT[EÉ]RALE?|LATERAAL|LATERALT|LATERALNA?|PROFIL|PROFILE|PROFILO|"
    "PERFIL|SEITLICH|SEITL|ZIJDELINGS|DWARS|BOCZN[AEY]|BO[CČ]N[IÍ]|SIDOBILD|SIDEBILLEDE|SIVU|"
    "SIVUKUVA|OLDALIR[AÁ]NY[UÚ]|OLDALFELV[EÉ]TEL|БОКОВАЯ|БОКОВОЙ|ΠΛΑΓΙΑ|YAN|LATEROLATERAL"
)
# Terms of View Position: also left and right lateral, oblique, and lying on one side.
_VIEW = re.compile(
    rf"\b({_LATERAL}|LL|RL|LLO|RLO|LAO|RAO|LPO|RPO|OBL|OBLIQUE|OBLICUA|OBLIQUA|SCHR[AÄ]G|LLD|RLD|"
    r"DECUBITUS)\b"
)
_DESCRIBED = re.compile(rf"\b({_LATERAL})\b")
_FRONTAL = re.compile(r"\b(PA|AP|P\.A|A\.P|FRONTAL|FACE|FRENTE|FRENTA|DV|VD)\b")

_DESCRIPTIONS = ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")

_UNKNOWN_PART = (
    "The DICOM names a body part that is not known to be the chest; check that this is a frontal "
    "chest X-ray."
)
_MAYBE_LATERAL = (
    "The DICOM's description mentions a lateral view; check that this is a frontal chest X-ray."
)


def check_anatomy(dataset: Dataset) -> tuple[str, ...]:
    """Warnings about body part and view. Raises UnreadableXray if either is certainly wrong."""
    return (*_check_part(dataset), *_check_view(dataset))


def _check_part(dataset: Dataset) -> tuple[str, ...]:
    codes = _read_codes(dataset, "AnatomicRegionSequence")
    body = read_text(dataset, "BodyPartExamined")
    chest = bool(codes & {*_CHEST_REGIONS.split()}) or bool(_CHEST.search(body))
    other = bool(codes & {*_OTHER_REGIONS.split()}) or bool(_OTHER_PARTS.fullmatch(body))
    if other and not chest:
        part = f"the {body.lower()}" if _OTHER_PARTS.fullmatch(body) else "another part of the body"
        raise UnreadableXray(
            f"The DICOM shows {part}, not the chest; send a frontal chest X-ray.", "not_chest"
        )
    if chest and not other:
        return ()
    return () if not other and _SAYS_NOTHING.fullmatch(body) else (_UNKNOWN_PART,)


def _check_view(dataset: Dataset) -> tuple[str, ...]:
    view = read_text(dataset, "ViewPosition")
    meanings = " ".join(read_text(item, "CodeMeaning") for item in _read_items(dataset))
    # The rows of a frontal film run from side to side, never between front and back.
    along = read_text(dataset, "PatientOrientation").partition("\\")[0]
    if (
        _read_codes(dataset, "ViewCodeSequence") & {*_NOT_FRONTAL_CODES.split()}
        or _VIEW.search(f"{view} {meanings}".replace("_", " "))
        or along in ("A", "P")
    ):
        raise UnreadableXray(
            "The DICOM is a lateral or oblique view; send the frontal view (PA or AP).",
            "not_frontal",
        )
    described = " ".join(read_text(dataset, name) for name in _DESCRIPTIONS).replace("_", " ")
    if _DESCRIBED.search(described) and not _FRONTAL.search(f"{described} {view}"):
        return (_MAYBE_LATERAL,)
    return ()


def read_text(dataset: Dataset, element: str) -> str:
    """The text of an element in capitals, values separated by a backslash; "" if there is none."""
    raw = dataset.get_item(Tag(element)) if Tag(element) in dataset else None
    value: object = raw.value if raw is not None else None
    if isinstance(value, bytes):
        value = decode_text(value)
    if isinstance(value, MultiValue):
        value = "\\".join(str(item) for item in value)
    return str(value or "").strip(" \0").upper()


def decode_text(value: bytes) -> str:
    """Text in an unknown character set: the words sought are ASCII or in one of these two."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _read_items(dataset: Dataset, element: str = "ViewCodeSequence") -> list[Dataset]:
    items = dataset.get(element)
    return list(items) if items is not None and not isinstance(items, (str, bytes)) else []


def _read_codes(dataset: Dataset, element: str) -> set[str]:
    return {read_text(item, "CodeValue") for item in _read_items(dataset, element)}

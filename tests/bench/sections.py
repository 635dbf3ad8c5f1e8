"""The sections of the bench in their order; a new one is a line here.

The sections of one system come first: `load` weighs it after the uploads before it.
"""

from tests.bench.caging import CAGE
from tests.bench.dropping import DROP
from tests.bench.epochs import TRAINING
from tests.bench.inference import INFERENCE
from tests.bench.peers.comparison import PEERS
from tests.bench.scoring import SCORING
from tests.bench.section import Section
from tests.bench.starting import START
from tests.bench.throughput import LOAD
from tests.bench.upload import UPLOAD
from tests.bench.viewer import VIEWER
from tests.bench.watching import WATCHING
from tests.bench.worklist import WORKLIST

SECTIONS: tuple[Section, ...] = (
    START,
    UPLOAD,
    LOAD,
    CAGE,
    SCORING,
    INFERENCE,
    PEERS,
    WORKLIST,
    VIEWER,
    DROP,
    WATCHING,
    TRAINING,
)

"""Export a trained network for serving.

    python -m model.network --artifact model/artifact --out var/serving

writes var/serving/VERSION/ (OpenVINO IR, float32, and a manifest of digests), with which
`model.serving.predictor` predicts without TensorFlow.
"""

import argparse
import sys
from pathlib import Path

from model.network.conversion import export_network, record_golden
from model.network.gradcam import build_serving_network
from model.network.graph import load_network
from model.serving.artifact import WEIGHTS_NAME, ArtifactError, read_artifact
from model.serving.density import read_density


def main() -> int:
    """Export the artifact named on the command line; print the folder of the export."""
    parser = argparse.ArgumentParser(description="Export the trained network for serving.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--out", type=Path, default=Path("var/serving"))
    parser.add_argument(
        "--record-golden",
        action="store_true",
        help="write golden.npz first, for an artifact of an old release that has none",
    )
    arguments = parser.parse_args()
    try:
        if arguments.record_golden:
            read_artifact(arguments.artifact)
            network = load_network(arguments.artifact / WEIGHTS_NAME)
            density = read_density(arguments.artifact)
            record_golden(build_serving_network(network, density), arguments.artifact)
        print(export_network(arguments.artifact, arguments.out))
    except ArtifactError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A provider that only has a schema: Terraform can validate, and plan with mocks.

    python provider_stub.py SCHEMA.json SOCKET

Prints what TF_REATTACH_PROVIDERS must say once it answers. It needs the tools' environment.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from tf.gen import tfplugin_pb2 as messages
from tf.gen.tfplugin_pb2_grpc import ProviderServicer, add_ProviderServicer_to_server


def build_block(block: dict[str, Any]) -> messages.Schema.Block:
    """A block in Terraform's protocol."""
    return messages.Schema.Block(
        attributes=[
            messages.Schema.Attribute(
                name=name,
                type=json.dumps(attribute["type"]).encode(),
                **{flag: value for flag, value in attribute.items() if flag != "type"},
            )
            for name, attribute in block["attributes"].items()
        ],
        block_types=[
            messages.Schema.NestedBlock(
                type_name=name,
                block=build_block(nested["block"]),
                nesting=nested["nesting"],
                min_items=nested["min_items"],
                max_items=nested["max_items"],
            )
            for name, nested in block["blocks"].items()
        ],
    )


def build_schema(block: dict[str, Any]) -> messages.Schema:
    """The schema of a provider, a resource or a data source."""
    return messages.Schema(version=0, block=build_block(block))


class Provider(ProviderServicer):
    """Returns its schema, and accepts every configuration that matches it."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = messages.GetProviderSchema.Response(
            provider=build_schema(schema["provider"]),
            resource_schemas={n: build_schema(b) for n, b in schema["resource"].items()},
            data_source_schemas={n: build_schema(b) for n, b in schema["data"].items()},
        )

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        """All of it."""
        return self.schema

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        """Nothing to say."""
        return messages.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        """Nothing to say."""
        return messages.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        """Nothing to say."""
        return messages.ValidateDataResourceConfig.Response()

    def StopProvider(self, request: Any, context: Any) -> Any:
        """Keep running: the next Terraform starts soon."""
        return messages.StopProvider.Response()


def main() -> None:
    """Serve until the process is stopped."""
    server = grpc.server(ThreadPoolExecutor(8))
    add_ProviderServicer_to_server(Provider(json.loads(Path(sys.argv[1]).read_text())), server)
    server.add_insecure_port(f"unix://{sys.argv[2]}")
    server.start()
    reattach = {
        "Protocol": "grpc",
        "ProtocolVersion": 6,
        "Pid": os.getpid(),
        "Test": True,
        "Addr": {"Network": "unix", "String": sys.argv[2]},
    }
    print(json.dumps({"registry.terraform.io/hashicorp/aws": reattach}), flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()

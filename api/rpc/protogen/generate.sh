#!/usr/bin/env bash
# Generates the messages and the gRPC service of a .proto file of the current
# folder, beside it. The tools have pinned versions and land in a temporary
# folder; it needs Go and Python.
set -euo pipefail

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools/python"
"$tools/python/bin/pip" install --quiet grpcio-tools==1.80.0 setuptools==80.9.0 # protoc 31.1
GOBIN=$tools go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
GOBIN=$tools go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.0

go run github.com/kiseki-dev/kiseki/api/rpc/protogen/otlpset > "$tools/otlp.binpb"
PATH=$tools:$PATH "$tools/python/bin/python" -m grpc_tools.protoc \
  --descriptor_set_in="$tools/otlp.binpb" --proto_path=. \
  --go_out=. --go_opt=paths=source_relative \
  --go-grpc_out=. --go-grpc_opt=paths=source_relative \
  "$1"

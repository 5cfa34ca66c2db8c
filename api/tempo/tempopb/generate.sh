#!/usr/bin/env bash
# Generates tempo.pb.go and tempo_grpc.pb.go from tempo.proto. The tools have
# pinned versions and land in a temporary folder; it needs Go and Python.
set -euo pipefail
cd "$(dirname "$0")"

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools/python"
"$tools/python/bin/pip" install --quiet grpcio-tools==1.80.0 setuptools==80.9.0 # protoc 31.1
GOBIN=$tools go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
GOBIN=$tools go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.0

go run ./otlpset > "$tools/otlp.binpb"
PATH=$tools:$PATH "$tools/python/bin/python" -m grpc_tools.protoc \
  --descriptor_set_in="$tools/otlp.binpb" --proto_path=. \
  --go_out=. --go_opt=paths=source_relative \
  --go-grpc_out=. --go-grpc_opt=paths=source_relative \
  tempo.proto

// Command otlpset writes OTLP's messages, as the Go package of them has them,
// as a FileDescriptorSet to the standard output: protoc wants to know what
// tempo.proto imports, and the package has no .proto files.
package main

import (
	"fmt"
	"os"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

func main() {
	var set descriptorpb.FileDescriptorSet
	add(&set, map[string]bool{}, trace.File_opentelemetry_proto_trace_v1_trace_proto)
	out, err := proto.Marshal(&set)
	if err == nil {
		_, err = os.Stdout.Write(out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "otlpset:", err)
		os.Exit(1)
	}
}

// add appends a file after those it imports.
func add(set *descriptorpb.FileDescriptorSet, done map[string]bool, f protoreflect.FileDescriptor) {
	if done[f.Path()] {
		return
	}
	done[f.Path()] = true
	for i := range f.Imports().Len() {
		add(set, done, f.Imports().Get(i).FileDescriptor)
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
}

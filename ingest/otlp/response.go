package otlp

import (
	"encoding/binary"
	"strconv"
)

// appendProtoResponse appends an ExportTraceServiceResponse:
//
//	1: ExportTracePartialSuccess { 1: int64 rejected_spans, 2: string error_message }
//
// which is empty where there is nothing to say.
func appendProtoResponse(dst []byte, rejected int, message string) []byte {
	if rejected == 0 && message == "" {
		return dst
	}
	var partial []byte
	if rejected > 0 {
		partial = binary.AppendUvarint(append(partial, 1<<3|varint), uint64(rejected))
	}
	if message != "" {
		partial = binary.AppendUvarint(append(partial, 2<<3|length), uint64(len(message)))
		partial = append(partial, message...)
	}
	dst = binary.AppendUvarint(append(dst, 1<<3|length), uint64(len(partial)))
	return append(dst, partial...)
}

// appendJSONResponse is [appendProtoResponse] in JSON, where 64-bit integers
// are strings.
func appendJSONResponse(dst []byte, rejected int, message string) []byte {
	if rejected == 0 && message == "" {
		return append(dst, "{}"...)
	}
	dst = append(dst, `{"partialSuccess":{`...)
	if rejected > 0 {
		dst = append(dst, `"rejectedSpans":"`...)
		dst = strconv.AppendInt(dst, int64(rejected), 10)
		dst = append(dst, '"')
	}
	if message != "" {
		if rejected > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `"errorMessage":`...)
		dst = appendJSONString(dst, message)
	}
	return append(dst, "}}"...)
}

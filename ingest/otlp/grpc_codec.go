package otlp

import (
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec of the other services
	"google.golang.org/grpc/mem"
)

// response is an ExportTraceServiceResponse.
type response struct {
	rejected int
	message  string
}

// codec gives the trace service the bytes of a message as they are, and the
// services beside it (health, reflection) generated messages as usual.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2("proto")} }

// Unmarshal implements [encoding.CodecV2].
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	r, ok := v.(*request)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	// An error from here would reach the client as it pleases gRPC.
	r.received = r.copyFrom(data.Len(), data.CopyTo)
	return nil
}

// Marshal implements [encoding.CodecV2].
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	r, ok := v.(*response)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	body := appendProtoResponse(nil, r.rejected, r.message)
	if len(body) == 0 {
		return nil, nil
	}
	return mem.BufferSlice{mem.SliceBuffer(body)}, nil
}

// zstdCompressor is zstd for gRPC, whose registry is global to the process
// and is to be filled from init functions. gRPC itself bounds what comes out
// of a decompressor by the size of a message.
type zstdCompressor struct {
	encoders sync.Pool // of *zstdWriter
	decoders sync.Pool // of *zstdReader
}

func init() { encoding.RegisterCompressor(&zstdCompressor{}) }

// Name implements [encoding.Compressor].
func (c *zstdCompressor) Name() string { return "zstd" }

// Compress implements [encoding.Compressor].
func (c *zstdCompressor) Compress(w io.Writer) (io.WriteCloser, error) {
	z, ok := c.encoders.Get().(*zstdWriter)
	if !ok {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
		z = &zstdWriter{e, c}
	}
	z.Reset(w)
	return z, nil
}

type zstdWriter struct {
	*zstd.Encoder
	owner *zstdCompressor
}

// Close ends the frame; the writer must not be used after it.
func (z *zstdWriter) Close() error {
	err := z.Encoder.Close()
	z.owner.encoders.Put(z)
	return err
}

// Decompress implements [encoding.Compressor]. gRPC closes what it returns.
func (c *zstdCompressor) Decompress(r io.Reader) (io.Reader, error) {
	z, ok := c.decoders.Get().(*zstdReader)
	if !ok {
		d, err := newZstdDecoder(r)
		if err != nil {
			return nil, err
		}
		return &zstdReader{d, c}, nil
	}
	if err := z.Reset(r); err != nil {
		return nil, err
	}
	return z, nil
}

type zstdReader struct {
	*zstd.Decoder
	owner *zstdCompressor
}

// Close gives the decoder back for reuse.
func (z *zstdReader) Close() error {
	err := z.Reset(nil)
	z.owner.decoders.Put(z)
	return err
}

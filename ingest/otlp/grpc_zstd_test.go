package otlp

import (
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // registers the compressor
)

// zstdCompressor is zstd for the clients of these tests; gRPC's registry is
// global to the process and is to be filled from init functions.
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
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
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

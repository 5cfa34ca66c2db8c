package terminal

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Screen is what is known of where an output goes.
type Screen struct {
	Columns int  // 0: not a terminal, or not known
	Colours bool // whether escape sequences for colours are understood and wanted
}

// Of asks about w. As https://no-color.org has it, NO_COLOR turns colours off.
func Of(w io.Writer) Screen {
	f, ok := w.(*os.File)
	if !ok {
		return Screen{}
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return Screen{}
	}
	return Screen{Columns: int(size.Col), Colours: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

package archive

import (
	"errors"
	"fmt"
)

// ErrClosed is returned by a Writer and its Sections after Close.
var ErrClosed = errors.New("archive: the writer is closed")

// CorruptError says that a file is damaged, truncated, or no archive at all.
type CorruptError struct {
	// Offset is where in the file: the start of the header or frame that is wrong, or the end of a truncated file.
	Offset int64
	// Reason says what is wrong there.
	Reason string
}

// Error names the offset and the reason.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("archive: corrupt file at byte %d: %s", e.Offset, e.Reason)
}

// UnsupportedError says that a file is intact as far as it was read but uses something that this version doesn't know.
type UnsupportedError struct {
	// Offset is the start of the header or frame that needs it.
	Offset int64
	// Reason names what is needed.
	Reason string
}

// Error names the offset and what is needed.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("archive: unsupported file at byte %d: %s", e.Offset, e.Reason)
}

func corrupt(offset int64, format string, args ...any) error {
	return &CorruptError{Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

func unsupported(offset int64, format string, args ...any) error {
	return &UnsupportedError{Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

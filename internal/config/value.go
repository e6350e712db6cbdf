package config

// The value forms: how text becomes a value, how a value becomes the text of CONFIG GET and the lines of a file.
// Error texts are Redis's.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/darterdb/darter/internal/num"
)

// maxAddresses is how many addresses one List holds.
const maxAddresses = 16

// maxPercentiles is how many numbers one Percentiles holds: INFO computes each of them for each command.
const maxPercentiles = 32

// SavePoint asks for a save once so many seconds have passed since the last one with at least so many changes.
type SavePoint struct{ Seconds, Changes int64 }

// ClientClass is a group of clients with an output limit of its own.
type ClientClass uint8

// The classes, in the order CONFIG GET prints them.
const (
	NormalClients ClientClass = iota
	ReplicaClients
	PubSubClients
	clientClasses
)

// classNames are the names CONFIG GET prints; "replica" is read as well.
var classNames = [clientClasses]string{NormalClients: "normal", ReplicaClients: "slave", PubSubClients: "pubsub"}

// fileClassNames are the names a config file is written with.
var fileClassNames = [clientClasses]string{NormalClients: "normal", ReplicaClients: "replica", PubSubClients: "pubsub"}

// BufferLimit is when a client with unsent replies is disconnected: beyond Hard bytes at once, beyond Soft bytes after
// SoftSeconds on end. A zero Hard or Soft is no limit.
type BufferLimit struct{ Hard, Soft, SoftSeconds int64 }

// BufferLimits holds a limit for each ClientClass.
type BufferLimits [clientClasses]BufferLimit

// value is the parsed value of one directive. Only the fields of its kind are in use, and text always is.
type value struct {
	text   string // as CONFIG GET shows it
	num    int64  // Bool (0 or 1), Int, Octal, Memory
	list   []string
	saves  []SavePoint
	floats []float64
	limits BufferLimits
}

// The refusals that more than one kind or file needs.
var (
	errArity   = errors.New("wrong number of arguments")
	errAddress = errors.New("Failed to bind to specified addresses.")
	errSaves   = errors.New("Invalid save parameters")
)

// parse reads args as a value of d, where old is the value so far: relative folders count from it, and classes of
// Limits that are not named keep theirs. A single argument of a form that takes several is split at each space.
func (d *Directive) parse(args []string, old *value) (value, error) {
	if d.multi() {
		switch {
		case len(args) == 1 && args[0] == "":
			args = nil
		case len(args) == 1:
			args = strings.Split(args[0], " ")
		}
		switch d.Kind {
		case List:
			return parseList(args)
		case Saves:
			return parseSaves(args)
		case Percentiles:
			return d.parsePercentiles(args)
		}
		return parseLimits(args, old.limits)
	}
	if len(args) != 1 {
		return value{}, errArity
	}
	text := args[0]
	if why, ok := d.Refused[strings.ToLower(text)]; ok {
		return value{}, refusal(why)
	}
	switch d.Kind {
	case Bool:
		switch strings.ToLower(text) {
		case "yes":
			return value{text: "yes", num: 1}, nil
		case "no":
			return value{text: "no"}, nil
		}
		return value{}, errors.New("argument must be 'yes' or 'no'")
	case Int, Octal, Memory:
		return d.parseNumber(text)
	case Enum:
		word := strings.ToLower(text)
		if !slices.Contains(d.Allowed, word) {
			return value{}, fmt.Errorf("argument(s) must be one of the following: %s", strings.Join(d.Allowed, ", "))
		}
		return value{text: word}, nil
	case Dir:
		return parseDir(text, old.text)
	}
	if d.Check != nil {
		if err := d.Check(text); err != nil {
			return value{}, err
		}
	}
	if d.Form != nil {
		text = d.Form(text)
	}
	return value{text: text}, nil
}

// parseNumber reads an Int, Octal or Memory within the row's bounds.
func (d *Directive) parseNumber(text string) (value, error) {
	var n int64
	switch d.Kind {
	case Octal:
		mode, err := strconv.ParseInt(text, 8, 64)
		if err != nil {
			return value{}, errors.New("argument couldn't be parsed as an octal number")
		}
		if n = mode; n < d.Min || n > d.Max {
			return value{}, fmt.Errorf("argument must be between %o and %o inclusive", d.Min, d.Max)
		}
		return value{text: strconv.FormatInt(n, 8), num: n}, nil
	case Memory:
		size, err := num.ParseMemory(text)
		if err != nil && text != "" { // Redis reads an empty size as 0
			return value{}, errors.New("argument must be a memory value")
		}
		n = size
	default:
		i, ok := num.ParseInt([]byte(text))
		if !ok {
			return value{}, errors.New("argument couldn't be parsed into an integer")
		}
		n = i
	}
	if n < d.Min || n > d.Max {
		return value{}, fmt.Errorf("argument must be between %d and %d inclusive", d.Min, d.Max)
	}
	return value{text: strconv.FormatInt(n, 10), num: n}, nil
}

// parseDir reads an existing folder; a relative one counts from the folder so far.
func parseDir(text, from string) (value, error) {
	path := filepath.Clean(text)
	if !filepath.IsAbs(path) {
		path = filepath.Join(from, path)
	}
	info, err := os.Stat(path)
	switch {
	case text == "" || errors.Is(err, os.ErrNotExist):
		return value{}, errors.New("No such file or directory")
	case err != nil:
		return value{}, errors.New(systemText(err))
	case !info.IsDir():
		return value{}, errors.New("Not a directory")
	}
	return value{text: path}, nil
}

// systemText is what err says; of a failed file operation only what the system says, without the path and begun as
// Redis begins it.
func systemText(err error) string {
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	} else if link := (*os.LinkError)(nil); errors.As(err, &link) {
		err = link.Err
	} else {
		return err.Error()
	}
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

func parseList(args []string) (value, error) {
	if len(args) > maxAddresses {
		return value{}, errors.New("Too many bind addresses specified.")
	}
	for _, a := range args {
		if a == "" || strings.ContainsAny(a, " \t\r\n\x00") {
			return value{}, errAddress
		}
	}
	return value{text: strings.Join(args, " "), list: slices.Clone(args)}, nil
}

func parseSaves(args []string) (value, error) {
	if len(args)%2 != 0 {
		return value{}, errSaves
	}
	points := make([]SavePoint, 0, len(args)/2)
	for i := 0; i < len(args); i += 2 {
		seconds, err1 := strconv.ParseInt(args[i], 10, 64)
		changes, err2 := strconv.ParseInt(args[i+1], 10, 64)
		if err1 != nil || err2 != nil || seconds < 1 || changes < 0 {
			return value{}, errSaves
		}
		points = append(points, SavePoint{seconds, changes})
	}
	return savesValue(points), nil
}

func savesValue(points []SavePoint) value {
	words := make([]string, 0, 2*len(points))
	for _, p := range points {
		words = append(words, strconv.FormatInt(p.Seconds, 10), strconv.FormatInt(p.Changes, 10))
	}
	return value{text: strings.Join(words, " "), saves: points}
}

func (d *Directive) parsePercentiles(args []string) (value, error) {
	if len(args) > maxPercentiles {
		return value{}, fmt.Errorf("Too many %s specified.", d.Name)
	}
	v := value{}
	words := make([]string, 0, len(args))
	for _, a := range args {
		f, err := strconv.ParseFloat(a, 64)
		if err != nil {
			return value{}, fmt.Errorf("Invalid %s parameters", d.Name)
		}
		if !(f >= 0 && f <= 100) { // not a number is neither
			return value{}, fmt.Errorf("%s parameters should sit between [0.0,100.0]", d.Name)
		}
		v.floats = append(v.floats, f)
		words = append(words, strconv.FormatFloat(f, 'g', 10, 64))
	}
	v.text = strings.Join(words, " ")
	return v, nil
}

func parseLimits(args []string, old BufferLimits) (value, error) {
	if len(args)%4 != 0 {
		return value{}, errors.New("Wrong number of arguments in buffer limit configuration.")
	}
	for i := 0; i < len(args); i += 4 {
		name := strings.ToLower(args[i])
		if name == "replica" {
			name = classNames[ReplicaClients]
		}
		class := slices.Index(classNames[:], name)
		if class < 0 {
			return value{}, errors.New("Invalid client class specified in buffer limit configuration.")
		}
		hard, err1 := num.ParseMemory(args[i+1])
		soft, err2 := num.ParseMemory(args[i+2])
		seconds, err3 := strconv.ParseInt(args[i+3], 10, 64)
		if err1 != nil || err2 != nil || err3 != nil || seconds < 0 {
			return value{}, errors.New("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
		}
		old[class] = BufferLimit{hard, soft, seconds}
	}
	words := make([]string, 0, 4*clientClasses)
	for class, l := range old {
		words = append(words, fmt.Sprintf("%s %d %d %d", classNames[class], l.Hard, l.Soft, l.SoftSeconds))
	}
	return value{text: strings.Join(words, " "), limits: old}, nil
}

// equal reports whether v and w, values of one directive, mean the same.
func (v *value) equal(w *value) bool { return v.text == w.text }

// lines writes v as the lines of a config file that set d to it, whatever d was set to before.
func (d *Directive) lines(v *value) []string {
	switch d.Kind {
	case Text, Dir:
		return []string{d.Name + " " + quote(v.text)}
	case Memory:
		return []string{d.Name + " " + memoryText(v.num)}
	case List:
		words := []string{d.Name}
		for _, a := range v.list {
			words = append(words, quoteIfNeeded(a))
		}
		if len(v.list) == 0 {
			words = append(words, `""`)
		}
		return []string{strings.Join(words, " ")}
	case Saves:
		var out []string
		for _, p := range v.saves {
			out = append(out, fmt.Sprintf("%s %d %d", d.Name, p.Seconds, p.Changes))
		}
		if len(out) == 0 {
			out = append(out, d.Name+` ""`)
		}
		return out
	case Percentiles:
		if v.text == "" {
			return []string{d.Name + ` ""`}
		}
	case Limits:
		var out []string
		for class, l := range v.limits {
			out = append(out, fmt.Sprintf("%s %s %s %s %d", d.Name, fileClassNames[class],
				memoryText(l.Hard), memoryText(l.Soft), l.SoftSeconds))
		}
		return out
	}
	return []string{d.Name + " " + v.text}
}

// memoryText writes a size with the largest unit that divides it.
func memoryText(n int64) string {
	switch {
	case n != 0 && n%(1<<30) == 0:
		return strconv.FormatInt(n>>30, 10) + "gb"
	case n != 0 && n%(1<<20) == 0:
		return strconv.FormatInt(n>>20, 10) + "mb"
	case n != 0 && n%(1<<10) == 0:
		return strconv.FormatInt(n>>10, 10) + "kb"
	}
	return strconv.FormatInt(n, 10)
}

// quote writes s in double quotes such that splitting a line gives it back byte for byte.
func quote(s string) string {
	out := make([]byte, 0, len(s)+2)
	out = append(out, '"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c < ' ' || c > '~':
			out = fmt.Appendf(out, `\x%02x`, c)
		default:
			out = append(out, c)
		}
	}
	return string(append(out, '"'))
}

// quoteIfNeeded is quote for a word that would otherwise not survive splitting as it is.
func quoteIfNeeded(s string) string {
	if q := quote(s); s == "" || len(q) != len(s)+2 || strings.ContainsAny(s, " '#") {
		return q
	}
	return s
}

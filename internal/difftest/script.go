package difftest

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// step is one line of a script, parsed.
type step struct {
	file string
	line int
	text string // as written

	conn string
	op   op
	args []token

	rule    rule
	only    int // 2 or 3: the one protocol this step is for; 0: both
	raw     bool
	scan    bool
	until   bool
	closes  bool
	replies int
	solo    bool   // not run on the real server
	expect2 string // the canonical reply a solo step must give, "" when only rule.has and rule.match count
	expect3 string
	sleep   time.Duration
}

type op int

const (
	opCommand op = iota
	opReceive
	opClosed
	opClose
	opReset
	opSleep
)

// where names the line for a message.
func (s *step) where() string { return fmt.Sprintf("%s:%d: %s", s.file, s.line, s.text) }

// loadScript reads and parses a script file.
func loadScript(path string) ([]*step, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var steps []*step
	for i, text := range strings.Split(string(data), "\n") {
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		s, err := parseStep(text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %s", path, i+1, err, text)
		}
		s.file, s.line = path, i+1
		steps = append(steps, s)
	}
	return steps, nil
}

func parseStep(text string) (*step, error) {
	s := &step{text: text, conn: "main", replies: 1}
	command, expected, hasExpected := strings.Cut(text, " => ")
	if !strings.Contains(command, "!expect") {
		command, hasExpected = text, false
	}
	tokens, err := split(command)
	if err != nil {
		return nil, err
	}
	wantsExpected := false
	rest := tokens
	next := func() (string, error) {
		if len(rest) == 0 {
			return "", fmt.Errorf("a directive lacks its argument")
		}
		t := rest[0]
		rest = rest[1:]
		return t.text, nil
	}
	for len(rest) > 0 && !rest[0].quoted && len(rest[0].text) > 1 && strings.ContainsRune("@!", rune(rest[0].text[0])) {
		word, _ := next()
		if word[0] == '@' {
			s.conn = word[1:]
			continue
		}
		if word == "!expect" {
			wantsExpected, s.solo = true, true
			continue
		}
		if err := s.directive(word, next); err != nil {
			return nil, err
		}
	}
	s.args = rest
	if wantsExpected != hasExpected {
		return nil, fmt.Errorf(`!expect and " => " need each other`)
	}
	if hasExpected {
		two, three, both := strings.Cut(expected, " => ")
		if !both {
			three = two
		}
		s.expect2, s.expect3 = strings.TrimSpace(two), strings.TrimSpace(three)
	}
	if s.solo && !hasExpected && !s.rule.loose() && s.op == opCommand && s.replies > 0 {
		return nil, fmt.Errorf("!solo needs !has or !match")
	}
	if s.until && (s.op != opCommand || !s.rule.loose()) {
		return nil, fmt.Errorf("!until needs a command, and !has or !match")
	}
	if (s.op == opCommand) != (len(s.args) > 0) {
		return nil, fmt.Errorf("a line is either a command or one of the directives that stand alone")
	}
	return s, nil
}

// directive notes one directive of the line; next yields its argument.
func (s *step) directive(word string, next func() (string, error)) error {
	number := func() (int, error) {
		arg, err := next()
		if err != nil {
			return 0, err
		}
		n, err := strconv.Atoi(arg)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%s needs a number, not %q", word, arg)
		}
		return n, nil
	}
	var err error
	var n int
	var arg string
	switch word {
	case "!unordered":
		s.rule.unordered = true
	case "!any-order":
		s.rule.anyOrder = true
	case "!pairs":
		s.rule.pairs = true
	case "!shape":
		s.rule.shape = true
	case "!error-prefix":
		s.rule.errorPrefix = true
	case "!approx":
		n, err = number()
		s.rule.approx = int64(n)
	case "!has":
		arg, err = next()
		s.rule.has = strings.Split(arg, ",")
	case "!match":
		if arg, err = next(); err == nil {
			s.rule.match, err = regexp.Compile("(?s)" + arg)
		}
	case "!scan":
		s.scan = true
	case "!until":
		s.until = true
	case "!solo":
		s.solo = true
	case "!resp2":
		s.only = 2
	case "!resp3":
		s.only = 3
	case "!raw":
		s.raw = true
	case "!send":
		s.replies = 0
	case "!replies":
		s.replies, err = number()
	case "!closes":
		s.closes = true
	case "!recv":
		s.op = opReceive
	case "!closed":
		s.op = opClosed
	case "!close":
		s.op = opClose
	case "!reset":
		s.op = opReset
	case "!sleep":
		n, err = number()
		s.op, s.sleep = opSleep, time.Duration(n)*time.Millisecond
	default:
		err = fmt.Errorf("unknown directive %s", word)
	}
	return err
}

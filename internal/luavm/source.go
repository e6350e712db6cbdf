package luavm

import (
	"errors"
	"fmt"
	"strings"

	"github.com/yuin/gopher-lua/parse"
)

// The text of a script is read by gopher-lua's parser. It needs no Go stack, and its memory is bounded here by the
// length of the text; what it makes is a tree, and the compiler bounds how deep it follows that.
const (
	// maxSource bounds the text of one script: compiling takes up to half a second a MiB.
	maxSource = 1 << 20
	// maxLoad bounds a text that a script compiles itself, which nothing can stop.
	maxLoad = 256 << 10
	// sourceCost is the memory a byte of source takes while it is compiled, at most.
	sourceCost = 64
)

// syntaxError is why a text is no Lua: Lua's own message with the chunk's name and the line.
type syntaxError struct{ text string }

func (e *syntaxError) Error() string { return e.text }

// compile turns a text into code. name is the chunk's name as Lua has it: "@user_script" is shown as user_script,
// anything else as a quoted piece of text.
func compile(text, name string) (p *proto, err error) {
	short := chunkID(name)
	if len(text) > maxSource {
		return nil, &syntaxError{short + ": chunk is too large"}
	}
	if strings.HasPrefix(text, "\x1b") {
		return nil, &syntaxError{short + ": bad code in precompiled chunk"}
	}
	tree, err := parse.Parse(strings.NewReader(text), short)
	if err != nil {
		return nil, &syntaxError{parseMessage(err, short, text)}
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*syntaxError)
			if !ok {
				panic(r)
			}
			p, err = nil, e
		}
	}()
	return compileMain(tree, name, short), nil
}

// parseMessage words an error of the parser as Lua words its own.
func parseMessage(err error, short, text string) string {
	var e *parse.Error
	if !errors.As(err, &e) {
		return short + ": " + err.Error()
	}
	line, token := e.Pos.Line, e.Token
	message := "unexpected symbol"
	switch strings.TrimSpace(e.Message) {
	case "unterminated string":
		message = "unfinished string"
	case "unterminated multiline string":
		message = "unfinished long string"
	case "invalid multiline comment":
		message = "unfinished long comment"
	case "ambiguous syntax (function call x new statement)":
		message = "ambiguous syntax (function call x new statement)"
	case "parse error": // an expression that is no call, where a statement should be
		message = "'=' expected"
	case "syntax error":
		if line == parse.EOF && endsItem(token) {
			message = "'end' expected"
		} else if line != parse.EOF && beginsItem(token) {
			message = "'=' expected"
		}
	}
	if line == parse.EOF {
		line, token = strings.Count(text, "\n")+1, "<eof>"
	}
	return fmt.Sprintf("%s:%d: %s near '%s'", short, line, message, token)
}

// beginsItem reports whether a token is a name or a literal: where it is wrong, a statement has most likely begun with
// a name and goes on as no statement can.
func beginsItem(token string) bool {
	return token != "" && (isLetter(token[0]) || isDigit(token[0]) || token[0] == '_') && !keywords[token]
}

// endsItem reports whether a statement can end with a token; if the text ends there, a block is still open.
func endsItem(token string) bool {
	switch token {
	case "end", "break", "return", "then", "do", "else", "repeat", "nil", "true", "false", ")", "}", "]", ";", "...":
		return true
	}
	return beginsItem(token)
}

var keywords = map[string]bool{
	"and": true, "break": true, "do": true, "else": true, "elseif": true, "end": true, "false": true, "for": true,
	"function": true, "if": true, "in": true, "local": true, "nil": true, "not": true, "or": true, "repeat": true,
	"return": true, "then": true, "true": true, "until": true, "while": true,
}

// chunkID is how messages show the name of a chunk.
func chunkID(name string) string {
	const room = 60 // bytes of the whole, with the zero that C puts at its end
	if name == "" {
		return `[string ""]`
	}
	switch name[0] {
	case '=':
		return name[1:min(len(name), room)]
	case '@':
		const kept = room - len(` '...' `) - 1
		if name = name[1:]; len(name) > kept {
			return "..." + name[len(name)-kept:]
		}
		return name
	}
	line, _, more := strings.Cut(name, "\n")
	if i := strings.IndexByte(line, '\r'); i >= 0 {
		line, more = line[:i], true
	}
	const kept = room - len(` [string "..."] `) - 1
	if more || len(line) > kept {
		return `[string "` + line[:min(len(line), kept)] + `..."]`
	}
	return `[string "` + line + `"]`
}

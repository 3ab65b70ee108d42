package proxy

import "strings"

// sample is a request in raw bytes and what must become of it: it is refused
// with a status and nothing of it goes upstream, or it arrives there as want.
type sample struct {
	name   string
	raw    string
	status int
	want   string // as inWords has it
}

// The beginnings of most samples.
const (
	getH  = "GET / HTTP/1.1\r\nHost: h\r\n"
	postH = "POST / HTTP/1.1\r\nHost: h\r\n"
	postC = postH + "Transfer-Encoding: chunked\r\n\r\n"
	abcC  = "3\r\nabc\r\n0\r\n\r\n" // abc in chunks

	evil = "GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n" // what is to be smuggled

	// The request behind each sample, and what it is when it arrives.
	nextRaw  = "GET /next HTTP/1.1\r\nHost: next\r\nConnection: close\r\n\r\n"
	nextWant = `GET /next next ""`

	gotGet = `GET / h ""`
	gotABC = `POST / h "abc"`
)

// corpus has the ways in which requests were smuggled or misread by others; the
// numbers are those of the CVEs that they paid with. Most are variations of a few
// ideas; parsers were fooled by one and not by the next to it. What the fields of a
// request are when it arrives is judged where the samples are the fuzzer's seeds.
var corpus = []sample{
	// Plain ones, which must not be mistaken for something else.
	{"plain GET", getH + "\r\n", 0, gotGet},
	{"plain POST", postH + "Content-Length: 3\r\n\r\nabc", 0, gotABC},
	{"plain chunks", postC + abcC, 0, gotABC},
	{"HEAD", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", 0, `HEAD / h ""`},
	{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 0, `OPTIONS * h ""`},
	{"body that looks like a request", postH + "Content-Length: " + itoa(len(evil)) + "\r\n\r\n" + evil, 0, inWords("POST", "/", "h", evil)},
	{"chunk that looks like a request", postC + "22\r\n" + evil + "\r\n0\r\n\r\n", 0, inWords("POST", "/", "h", evil)},
	{"chunk that looks like the last", postC + "5\r\n0\r\n\r\n\r\n0\r\n\r\n", 0, inWords("POST", "/", "h", "0\r\n\r\n")},
	{"GET with a body", getH + "Content-Length: 3\r\n\r\nabc", 0, `GET / h "abc"`},
	{"GET with chunks", getH + "Transfer-Encoding: chunked\r\n\r\n" + abcC, 0, `GET / h "abc"`},
	{"DELETE without a length", "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", 0, `DELETE / h ""`},
	{"POST without a length", postH + "\r\n", 0, `POST / h ""`},
	{"length of zero", postH + "Content-Length: 0\r\n\r\n", 0, `POST / h ""`},
	{"CRLF before the request line", "\r\n" + getH + "\r\n", 0, gotGet},

	// CL.TE, TE.CL: two lengths, each believed by somebody.
	{"CL.TE", postH + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", 400, ""},
	{"TE.CL", postH + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n22\r\n" + evil + "\r\n0\r\n\r\n", 400, ""},
	{"CL.0", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: " + itoa(len(evil)) + "\r\n\r\n" + evil, 0, inWords("GET", "/", "h", evil)},
	{"TE.0", "OPTIONS / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n22\r\n" + evil + "\r\n0\r\n\r\n", 0, inWords("OPTIONS", "/", "h", evil)},
	{"CL.TE, equal", postH + "Content-Length: " + itoa(len(abcC)) + "\r\nTransfer-Encoding: chunked\r\n\r\n" + abcC, 400, ""},
	{"CL of zero and TE", postH + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + abcC, 400, ""},
	{"CL.TE, odd case", postH + "cOntent-lEngth: 3\r\ntRansfer-eNcoding: CHUNKED\r\n\r\n" + abcC, 400, ""},
	{"TE of an unknown coding, and CL", postH + "Transfer-Encoding: x\r\nContent-Length: 3\r\n\r\nabc", 400, ""},
	{"CL.TE, the TE hidden by Connection", postH + "Connection: Transfer-Encoding\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + abcC, 400, ""},

	// TE.TE: one header, read as two things.
	{"TE in odd case", postH + "tRANSFER-eNCODING: cHuNkEd\r\n\r\n" + abcC, 0, gotABC},
	{"TE twice", postH + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + abcC, 400, ""},
	{"TE chunked, then another", postH + "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n" + abcC, 400, ""},
	{"TE another, then chunked", postH + "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n\r\n" + abcC, 400, ""},
	{"TE identity, then chunked", postH + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + abcC, 400, ""},
	{"TE list", postH + "Transfer-Encoding: gzip, chunked\r\n\r\n" + abcC, 400, ""},
	{"TE list the other way", postH + "Transfer-Encoding: chunked, gzip\r\n\r\n" + abcC, 400, ""},
	{"TE list, chunked twice", postH + "Transfer-Encoding: chunked, chunked\r\n\r\n" + abcC, 400, ""},
	{"TE with a comma", postH + "Transfer-Encoding: chunked,\r\n\r\n" + abcC, 400, ""},
	{"TE with a comma before", postH + "Transfer-Encoding: ,chunked\r\n\r\n" + abcC, 400, ""},
	{"TE xchunked", postH + "Transfer-Encoding: xchunked\r\n\r\n" + abcC, 400, ""},
	{"TE chunkedx", postH + "Transfer-Encoding: chunkedx\r\n\r\n" + abcC, 400, ""},
	{"TE quoted", postH + "Transfer-Encoding: \"chunked\"\r\n\r\n" + abcC, 400, ""},
	{"TE with a parameter", postH + "Transfer-Encoding: chunked;a=b\r\n\r\n" + abcC, 400, ""},
	{"TE empty", postH + "Transfer-Encoding:\r\n\r\n", 400, ""},
	{"TE identity", postH + "Transfer-Encoding: identity\r\n\r\n", 400, ""},
	{"TE with a tab before the value", postH + "Transfer-Encoding:\tchunked\r\n\r\n" + abcC, 0, gotABC},
	{"TE with blanks around the value", postH + "Transfer-Encoding: \t chunked \t\r\n\r\n" + abcC, 0, gotABC},
	{"TE with a vertical tab", postH + "Transfer-Encoding: \x0bchunked\r\n\r\n" + abcC, 400, ""},
	{"TE with a form feed behind", postH + "Transfer-Encoding: chunked\x0c\r\n\r\n" + abcC, 400, ""},
	{"TE with a NUL behind", postH + "Transfer-Encoding: chunked\x00\r\n\r\n" + abcC, 400, ""},
	{"TE with a no-break space", postH + "Transfer-Encoding: \xa0chunked\r\n\r\n" + abcC, 400, ""},
	{"TE with a Kelvin sign", postH + "Transfer-Encoding: chun\xe2\x84\xaaed\r\n\r\n" + abcC, 400, ""},
	{"TE folded", postH + "Transfer-Encoding:\r\n chunked\r\n\r\n" + abcC, 400, ""},
	{"TE hidden behind a fold", postH + "A: b\r\n Transfer-Encoding: chunked\r\n\r\n", 400, ""},
	{"TE hidden behind a bare CR", postH + "A: b\rTransfer-Encoding: chunked\r\n\r\n", 400, ""},
	{"TE hidden behind a bare LF", postH + "A: b\nTransfer-Encoding: chunked\r\n\r\n" + abcC, 400, ""},
	// Go 2019-16276.
	{"TE with a space before the colon", postH + "Transfer-Encoding : chunked\r\n\r\n" + abcC, 400, ""},
	{"TE with a tab before the colon", postH + "Transfer-Encoding\t: chunked\r\n\r\n" + abcC, 400, ""},
	{"TE with a space before the name", postH + " Transfer-Encoding: chunked\r\n\r\n" + abcC, 400, ""},
	{"TE with an underscore", postH + "Transfer_Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", 0, gotABC},
	{"TE with a dot", postH + "Transfer.Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", 0, gotABC},
	{"TE on HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + abcC, 400, ""},
	{"TE and CL on HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" + abcC, 400, ""},

	// Content-Length.
	{"CL twice, different", postH + "Content-Length: 3\r\nContent-Length: 0\r\n\r\nabc", 400, ""},
	{"CL twice, equal", postH + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, ""},
	{"CL twice, equal in number", postH + "Content-Length: 3\r\nContent-Length: 03\r\n\r\nabc", 400, ""},
	{"CL list, equal", postH + "Content-Length: 3, 3\r\n\r\nabc", 400, ""},
	{"CL list, different", postH + "Content-Length: 3, 0\r\n\r\nabc", 400, ""},
	// HAProxy 2023-40225: an empty length was passed on, and some read none in it.
	{"CL empty", postH + "Content-Length:\r\n\r\n", 400, ""},
	{"CL empty, then one", postH + "Content-Length:\r\nContent-Length: 3\r\n\r\nabc", 400, ""},
	{"CL one, then empty", postH + "Content-Length: 3\r\nContent-Length:\r\n\r\nabc", 400, ""},
	{"CL with plus", postH + "Content-Length: +3\r\n\r\nabc", 400, ""},
	{"CL with minus", postH + "Content-Length: -3\r\n\r\nabc", 400, ""},
	{"CL minus zero", postH + "Content-Length: -0\r\n\r\n", 400, ""},
	{"CL hexadecimal", postH + "Content-Length: 0x3\r\n\r\nabc", 400, ""},
	{"CL with an underscore between digits", postH + "Content-Length: 0_3\r\n\r\nabc", 400, ""},
	{"CL with letters behind", postH + "Content-Length: 3abc\r\n\r\nabc", 400, ""},
	{"CL with a fraction", postH + "Content-Length: 3.0\r\n\r\nabc", 400, ""},
	{"CL with a blank between", postH + "Content-Length: 3 0\r\n\r\nabc", 400, ""},
	{"CL with leading zeros", postH + "Content-Length: 0003\r\n\r\nabc", 0, gotABC},
	{"CL past 64 bits", postH + "Content-Length: 18446744073709551619\r\n\r\nabc", 400, ""},
	{"CL past 63 bits", postH + "Content-Length: 9223372036854775808\r\n\r\nabc", 400, ""},
	{"CL past 32 bits, a digit short", postH + "Content-Length: 4294967299x\r\n\r\nabc", 400, ""},
	{"CL of a hundred digits", postH + "Content-Length: " + strings.Repeat("9", 100) + "\r\n\r\nabc", 400, ""},
	{"CL with blanks around", postH + "Content-Length: \t 3 \t\r\n\r\nabc", 0, gotABC},
	{"CL without a blank", postH + "Content-Length:3\r\n\r\nabc", 0, gotABC},
	{"CL with a vertical tab", postH + "Content-Length: \x0b3\r\n\r\nabc", 400, ""},
	{"CL with digits of another script", postH + "Content-Length: \xd9\xa3\r\n\r\nabc", 400, ""},
	{"CL folded", postH + "Content-Length:\r\n 3\r\n\r\nabc", 400, ""},
	{"CL with a space before the colon", postH + "Content-Length : 3\r\n\r\nabc", 400, ""},
	{"CL hidden by Connection", postH + "Connection: Content-Length\r\nContent-Length: 3\r\n\r\nabc", 0, gotABC},
	{"CL with an underscore in its name", postH + "Content_Length: 10\r\nContent-Length: 3\r\n\r\nabc", 0, gotABC},

	// Lines and the ends of lines.
	{"bare LF behind the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", 0, gotGet},
	{"bare LF behind a header", "GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400, ""},
	{"bare LF at the end of the section", getH + "A: b\r\n\n", 400, ""},
	{"bare LF throughout", "GET / HTTP/1.1\nHost: h\n\n", 400, ""},
	{"CR CR LF", getH + "A: b\r\r\n\r\n", 400, ""},
	{"CR CR LF at the end of the section", getH + "A: b\r\n\r\r\n", 400, ""},
	{"bare CR in a value", getH + "A: b\rc\r\n\r\n", 400, ""},
	{"bare CR before a name", getH + "\rA: b\r\n\r\n", 400, ""},
	{"bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"CR CR LF behind the request line", "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n", 400, ""},
	// Node.js 2024-27982.
	{"obs-fold with a space", getH + "A: b\r\n c\r\n\r\n", 400, ""},
	{"obs-fold with a tab", getH + "A: b\r\n\tc\r\n\r\n", 400, ""},
	{"obs-fold of nothing", getH + "A: b\r\n \r\n\r\n", 400, ""},
	{"obs-fold that is a header", getH + "A: b\r\n Content-Length: 30\r\n\r\n", 400, ""},
	{"first header line folded", "GET / HTTP/1.1\r\n Host: h\r\nHost: h\r\n\r\n", 400, ""},
	{"NUL in a value", getH + "A: b\x00c\r\n\r\n", 400, ""},
	{"NUL in a name", getH + "A\x00: b\r\n\r\n", 400, ""},
	{"SOH in a value", getH + "A: \x01\r\n\r\n", 400, ""},
	{"ESC in a value", getH + "A: \x1b[2J\r\n\r\n", 400, ""},
	{"DEL in a value", getH + "A: \x7f\r\n\r\n", 400, ""},
	{"tab in a value", getH + "A: b\tc\r\n\r\n", 0, gotGet},
	{"high bytes in a value", getH + "A: \xc3\xa4\xff\r\n\r\n", 0, gotGet},
	{"high bytes that end in a line's end", getH + "A: b\xe5\x98\x8a\xe5\x98\x8dContent-Length: 3\r\n\r\n", 0, gotGet},
	{"escaped line ends in the path", "GET /a%0d%0aA:%20b HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET /a%0d%0aA:%20b h ""`},

	// Names of headers.
	// HAProxy 2023-25725: an empty name ended the list, and the fields behind it were gone.
	{"empty name", getH + ": b\r\n\r\n", 400, ""},
	{"empty name, then framing", postH + ": b\r\nContent-Length: 3\r\n\r\nabc", 400, ""},
	{"empty name and value", getH + ":\r\n\r\n", 400, ""},
	{"no colon", getH + "A\r\n\r\n", 400, ""},
	{"name with a space", getH + "A B: c\r\n\r\n", 400, ""},
	{"name with a slash", getH + "A/B: c\r\n\r\n", 400, ""},
	{"name with a quote", getH + "\"A\": c\r\n\r\n", 400, ""},
	{"name with a high byte", getH + "\xc3\xa4: c\r\n\r\n", 400, ""},
	{"name in brackets", getH + "[A]: c\r\n\r\n", 400, ""},
	{"name of all token bytes", getH + "!#$%&'*+-.^_`|~09azAZ: c\r\n\r\n", 0, gotGet},
	{"long name", getH + strings.Repeat("a", 300) + ": c\r\n\r\n", 0, gotGet},
	// HAProxy 2021-40346: the length of a name overflowed, and another field appeared.
	{"long name with framing behind, as of 8 bits", postH + "Content-Length" + strings.Repeat("0", 256) + ": 0\r\nContent-Length: 3\r\n\r\nabc", 0, gotABC},
	{"empty value", getH + "A:\r\n\r\n", 0, gotGet},
	{"second request line", "GET / HTTP/1.1\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},

	// The request line.
	{"two spaces before the target", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"two spaces behind the target", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"tab before the target", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"tab behind the target", "GET /\tHTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"space before the method", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"space behind the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400, ""},
	{"target with a space", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"target that is a request line", "GET / HTTP/1.1 /evil HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"target with a NUL", "GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"target with DEL", "GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"target with high bytes", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"target with a fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"target with a broken escape", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"target with an escaped NUL", "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET /%00 h ""`},
	{"target with dots", "GET /a/../b/./c%2e%2e/%2e%2e/d HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET /a/../b/./c%2e%2e/%2e%2e/d h ""`},
	{"target with escaped slashes", "GET /a%2fb%5cc HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET /a%2fb%5cc h ""`},
	{"target with two slashes", "GET //evil/a HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET //evil/a h ""`},
	{"target with a backslash", "GET /a\\b HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET /a\b h ""`},
	{"target with quotes and braces", "GET /\"<>{}|^` HTTP/1.1\r\nHost: h\r\n\r\n", 0, "GET /\"<>{}|^` h \"\""},
	// Go 2022-2880: a query was passed on that the proxy had read otherwise.
	{"query with a semicolon", "GET /?a=1;b=2 HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET /?a=1;b=2 h ""`},
	{"query with broken escapes", "GET /?a=%zz&b=%1 HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET /?a=%zz&b=%1 h ""`},
	{"query with question marks", "GET /??a?b HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET /??a?b h ""`},
	{"empty target", "GET  HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"no target", "GET HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"target without a slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"target * of a GET", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"target too long", "GET /" + strings.Repeat("a", 40<<10) + " HTTP/1.1\r\nHost: h\r\n\r\n", 414, ""},
	{"method with a control byte", "GE\x01T / HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"method in brackets", "G[T / HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 405, ""},
	{"no version", "GET /\r\nHost: h\r\n\r\n", 400, ""},
	{"version in lower case", "GET / http/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"version 1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505, ""},
	{"version 0.9", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", 505, ""},
	{"version 2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, ""},
	{"version 1.10", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", 400, ""},
	{"version 01.1", "GET / HTTP/01.1\r\nHost: h\r\n\r\n", 505, ""},
	{"version 1,1", "GET / HTTP/1,1\r\nHost: h\r\n\r\n", 400, ""},

	// Host and the target in absolute form.
	{"no Host", "GET / HTTP/1.1\r\n\r\n", 400, ""},
	{"Host empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, ""},
	{"Host twice", "GET / HTTP/1.1\r\nHost: h\r\nHost: evil\r\n\r\n", 400, ""},
	{"Host twice, equal", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400, ""},
	{"Host twice, odd case", "GET / HTTP/1.1\r\nHost: h\r\nhOST: evil\r\n\r\n", 400, ""},
	{"Host twice, one empty", "GET / HTTP/1.1\r\nHost:\r\nHost: h\r\n\r\n", 400, ""},
	{"Host list", "GET / HTTP/1.1\r\nHost: h, evil\r\n\r\n", 400, ""},
	{"Host with a space before the colon", "GET / HTTP/1.1\r\nHost: h\r\nHost : evil\r\n\r\n", 400, ""},
	{"Host with a path", "GET / HTTP/1.1\r\nHost: h/evil\r\n\r\n", 400, ""},
	{"Host with user information", "GET / HTTP/1.1\r\nHost: h@evil\r\n\r\n", 400, ""},
	{"Host with a query", "GET / HTTP/1.1\r\nHost: h?evil\r\n\r\n", 400, ""},
	{"Host with a fragment", "GET / HTTP/1.1\r\nHost: h#evil\r\n\r\n", 400, ""},
	{"Host with a blank", "GET / HTTP/1.1\r\nHost: h evil\r\n\r\n", 400, ""},
	{"Host with a backslash", "GET / HTTP/1.1\r\nHost: h\\evil\r\n\r\n", 400, ""},
	{"Host with high bytes", "GET / HTTP/1.1\r\nHost: h\xc3\xa4\r\n\r\n", 400, ""},
	{"Host with a port", "GET / HTTP/1.1\r\nHost: h:81\r\n\r\n", 0, `GET / h:81 ""`},
	{"Host with a port too large", "GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n", 400, ""},
	{"Host with a port of letters", "GET / HTTP/1.1\r\nHost: h:evil\r\n\r\n", 400, ""},
	{"Host with two ports", "GET / HTTP/1.1\r\nHost: h:80:81\r\n\r\n", 400, ""},
	{"Host as IPv6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0, `GET / [::1]:80 ""`},
	{"Host with a vertical bar", "GET / HTTP/1.1\r\nHost: h|evil\r\n\r\n", 400, ""},
	{"Host with braces", "GET / HTTP/1.1\r\nHost: {h}\r\n\r\n", 400, ""},
	{"Host with a broken escape", "GET / HTTP/1.1\r\nHost: h%2\r\n\r\n", 400, ""},
	{"Host that is none beside an absolute form", "GET http://h/ HTTP/1.1\r\nHost: h|evil\r\n\r\n", 400, ""},
	{"Host with all bytes of a name", "GET / HTTP/1.1\r\nHost: a_B-1.c~!$&'()*+;=%41\r\n\r\n", 0, `GET / a_B-1.c~!$&'()*+;=%41 ""`},
	{"Host as IPv6 of letters", "GET / HTTP/1.1\r\nHost: [evil]\r\n\r\n", 400, ""},
	{"Host as IPv6, unclosed", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, ""},
	{"Host as IPv6, with something behind", "GET / HTTP/1.1\r\nHost: [::1]evil\r\n\r\n", 400, ""},
	{"Host as a URL", "GET / HTTP/1.1\r\nHost: http://h\r\n\r\n", 400, ""},
	{"Host hidden by Connection", "GET / HTTP/1.1\r\nConnection: Host\r\nHost: h\r\n\r\n", 0, gotGet},
	{"absolute form", "GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET /a?b h ""`},
	{"absolute form of another host", "GET http://h/a HTTP/1.1\r\nHost: evil\r\n\r\n", 0, `GET /a h ""`},
	{"absolute form in capitals", "GET HTTP://h/a HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET /a h ""`},
	{"absolute form without a path", "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", 0, gotGet},
	{"absolute form, a query without a path", "GET http://h?a HTTP/1.1\r\nHost: h\r\n\r\n", 0, `GET /?a h ""`},
	{"absolute form of OPTIONS *", "OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n", 0, `OPTIONS * h ""`},
	{"absolute form with user information", "GET http://h@evil/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"absolute form with a backslash", "GET http://h\\@evil/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"absolute form without a host", "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"absolute form without slashes", "GET http:h/a HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"absolute form of another scheme", "GET ftp://h/a HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
	{"absolute form without Host", "GET http://h/a HTTP/1.1\r\n\r\n", 400, ""},
	{"absolute form with a fragment", "GET http://h/a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},

	// Chunks.
	{"chunk size with leading zeros", postC + "0003\r\nabc\r\n0000\r\n\r\n", 0, gotABC},
	{"chunk size in capitals", postC + "A\r\n0123456789\r\n0\r\n\r\n", 0, `POST / h "0123456789"`},
	{"chunk size past 64 bits", postC + "10000000000000003\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size past 63 bits", postC + "8000000000000003\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with a hundred zeros", postC + strings.Repeat("0", 100) + "3\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with minus", postC + "-3\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with plus", postC + "+3\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with 0x", postC + "0x3\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with an underscore", postC + "0_3\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with a blank before", postC + " 3\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with a blank behind", postC + "3 \r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with a tab behind", postC + "3\t\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with no digits", postC + "\r\nabc\r\n0\r\n\r\n", 400, ""},
	// Go 2025-22871.
	{"chunk size with a bare LF", postC + "3\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with a bare CR", postC + "3\rabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with CR CR LF", postC + "3\r\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk size with a NUL", postC + "3\x00\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"last chunk with a bare LF", postC + "3\r\nabc\r\n0\n\r\n", 400, ""},
	{"end of the body with a bare LF", postC + "3\r\nabc\r\n0\r\n\n", 400, ""},
	{"chunk data longer than its size", postC + "3\r\nabcd\r\n0\r\n\r\n", 400, ""},
	{"chunk data shorter than its size", postC + "4\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk data without a line's end", postC + "3\r\nabc0\r\n\r\n", 400, ""},
	{"chunk data with a bare LF behind", postC + "3\r\nabc\n0\r\n\r\n", 400, ""},
	{"chunk data with a bare CR behind", postC + "3\r\nabc\r0\r\n\r\n", 400, ""},
	{"chunk data with two other bytes behind", postC + "3\r\nabcXX0\r\n\r\n", 400, ""},
	{"chunk extension", postC + "3;a=b\r\nabc\r\n0;c\r\n\r\n", 0, gotABC},
	{"chunk extension in quotes", postC + "3;a=\"b;c\"\r\nabc\r\n0\r\n\r\n", 0, gotABC},
	{"chunk extension with blanks", postC + "3; a = \"\\\"\" ;b\r\nabc\r\n0\r\n\r\n", 0, gotABC},
	// Jetty 2026-2332.
	{"chunk extension with a line's end in quotes", postC + "3;a=\"\r\nabc\r\n0\r\n\r\n\"\r\n", 400, ""},
	{"chunk extension with an escaped quote and no end", postC + "3;a=\"\\\"\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk extension without a name", postC + "3;\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk extension with a blank at the end", postC + "3;a \r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk extension that is no token", postC + "3;a b\r\nabc\r\n0\r\n\r\n", 400, ""},
	// Kestrel 2025-55315.
	{"chunk extension with a bare LF", postC + "3;\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk extension with a bare LF, and a size behind", postC + "2;\nxx\r\n22\r\n" + evil + "\r\n0\r\n\r\n", 400, ""},
	{"chunk extension with a bare CR", postC + "3;a\rb\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk extension with a NUL", postC + "3;\x00\r\nabc\r\n0\r\n\r\n", 400, ""},
	// Go 2023-39326.
	{"chunk extension of 2 KB", postC + "3;" + strings.Repeat("a", 2000) + "\r\nabc\r\n0\r\n\r\n", 400, ""},
	{"chunk extensions of 30 KB", postC + strings.Repeat("1;"+strings.Repeat("a", 300)+"\r\na\r\n", 100) + "0\r\n\r\n", 400, ""},
	{"trailer", postC + "3\r\nabc\r\n0\r\nA: b\r\n\r\n", 0, gotABC},
	{"trailer that frames", postC + "3\r\nabc\r\n0\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n", 0, gotABC},
	{"trailer that names a host", postC + "3\r\nabc\r\n0\r\nHost: evil\r\n\r\n", 0, gotABC},
	{"trailer that Connection names", postH + "Connection: A\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n", 0, gotABC},
	{"trailer without a name", postC + "3\r\nabc\r\n0\r\n: b\r\n\r\n", 400, ""},
	{"trailer without a colon", postC + "3\r\nabc\r\n0\r\nA\r\n\r\n", 400, ""},
	{"trailer folded", postC + "3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n", 400, ""},
	{"trailer with a bare LF", postC + "3\r\nabc\r\n0\r\nA: b\n\r\n", 400, ""},
	{"trailer with a space before the colon", postC + "3\r\nabc\r\n0\r\nA : b\r\n\r\n", 400, ""},
	{"trailer that is a request", postC + "0\r\nGET /evil HTTP/1.1\r\nHost: evil\r\n\r\n", 400, ""},
	{"trailer of 20 KB", postC + "0\r\n" + strings.Repeat("A: "+strings.Repeat("b", 900)+"\r\n", 22) + "\r\n", 400, ""},

	// Fields of this hop and forwarding fields.
	// Go 2021-33197.
	{"Connection twice, the first empty", getH + "Connection:\r\nConnection: A\r\nA: b\r\n\r\n", 0, gotGet},
	// Traefik 2024-45410, Apache 2022-31813.
	{"Connection names what drover adds", getH + "Connection: X-Forwarded-For, X-Forwarded-Host, X-Request-Id\r\n\r\n", 0, gotGet},
	{"Upgrade: h2c", getH + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n", 0, gotGet},
	{"Upgrade to h2c behind another", getH + "Connection: Upgrade\r\nUpgrade: foo, h2c\r\n\r\n", 0, gotGet},
	{"Upgrade with a body", postH + "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc", 0, gotABC},
	{"Upgrade that is not taken", getH + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 0, gotGet},
	{"Expect", postH + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", 0, gotABC},
	{"Expect without a body", getH + "Expect: 100-continue\r\n\r\n", 0, gotGet},
	{"Expect on HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", 0, gotABC},
	{"Expect of something else", postH + "Expect: 200-ok\r\nContent-Length: 3\r\n\r\nabc", 417, ""},
	{"Expect twice", postH + "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", 0, gotABC},
	{"100 headers", "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("A: b\r\n", 99) + "\r\n", 0, gotGet},
	{"101 headers", "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("A: b\r\n", 100) + "\r\n", 431, ""},
	{"header of 33 KB", getH + "A: " + strings.Repeat("b", 33<<10) + "\r\n\r\n", 431, ""},

	// HTTP/1.0, where keeping the connection is the exception.
	{"HTTP/1.0 kept", "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", 0, gotGet},
	{"HTTP/1.0 kept, with a body", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", 0, gotABC},
	{"HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 0, gotABC + " and then nothing"},
	// Pingora 2026-2835.
	{"HTTP/1.0, a body until close", "POST / HTTP/1.0\r\nHost: h\r\n\r\n" + evil, 0, `POST / h "" and then nothing`},
	{"a request behind the last", getH + "Connection: close\r\n\r\n" + evil, 0, gotGet + " and then nothing"},

	// Empty lines between requests, and what is none.
	{"CRLF behind a body", postH + "Content-Length: 3\r\n\r\nabc\r\n", 0, gotABC},
	{"bytes behind a body", postH + "Content-Length: 2\r\n\r\nabc", 0, `POST / h "ab" and then other`},
	{"garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, ""},
	{"only line ends", "\r\n\r\n\r\n" + getH + "\r\n", 0, gotGet},
}

// expected is what arrives of a sample and the request behind it, and the
// statuses of the answers.
func (s *sample) expected() (arrived []string, statuses []int) {
	if s.status != 0 {
		return nil, []int{s.status}
	}
	want, then, _ := strings.Cut(s.want, " and then ")
	switch then {
	case "nothing":
		return []string{want}, []int{200}
	case "400":
		return []string{want}, []int{200, 400}
	case "other": // the c is read as part of the next method
		return []string{want, "c" + nextWant}, []int{200, 200}
	}
	return []string{want, nextWant}, []int{200, 200}
}

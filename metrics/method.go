package metrics

// other is the label of what is not in a closed set: unknown methods, and codes
// outside 100 to 599 (0 is no answer at all).
const other = "OTHER"

// methods are the registered ones that applications use; the label of the rest is OTHER.
var methods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", other}

// methodIndex returns the place of a method in methods.
func methodIndex[T string | []byte](m T) int {
	switch string(m) { // does not allocate
	case "GET":
		return 0
	case "HEAD":
		return 1
	case "POST":
		return 2
	case "PUT":
		return 3
	case "PATCH":
		return 4
	case "DELETE":
		return 5
	case "OPTIONS":
		return 6
	case "CONNECT":
		return 7
	case "TRACE":
		return 8
	}
	return len(methods) - 1
}

// MethodName returns the label for a method as it came over the wire, without
// allocating: the method, or OTHER. Observe takes either.
func MethodName(m []byte) string { return methods[methodIndex(m)] }

const (
	minCode = 100
	maxCode = 599
	codes   = maxCode - minCode + 2 // the last is OTHER
)

// codeIndex returns the place of a status among the counters of a method.
func codeIndex(code int) int {
	if code < minCode || code > maxCode {
		return codes - 1
	}
	return code - minCode
}

func codeLabel(index int) string {
	if index == codes-1 {
		return other
	}
	c := index + minCode
	return string([]byte{byte('0' + c/100), byte('0' + c/10%10), byte('0' + c%10)})
}

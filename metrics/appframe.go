package metrics

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of one metric of a worker.
const (
	longestMetric = 128  // characters of a name
	longestLabel  = 64   // characters of a label's name
	longestValue  = 256  // bytes of a label's value
	longestHelp   = 1024 // bytes; the rest is cut off
	mostLabels    = 10
	mostBuckets   = 100
	mostCounted   = 1 << 53 // what a number of JSON can count
)

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	// ours are the beginnings of names that drover gives itself.
	ours = []string{"drover_", "go_", "process_", "promhttp_"}
	// takenLabels are those that drover or the format gives.
	takenLabels = []string{"worker", "le", "quantile"}
)

// refusal is what is not taken: one of a closed set of reasons, and a sentence
// for the log.
type refusal struct{ reason, text string }

// report is one metric of a frame.
type report struct {
	Name    string         `json:"name"`
	Type    string         `json:"type"`
	Help    string         `json:"help"`
	Buckets []float64      `json:"buckets"`
	Samples []reportSample `json:"samples"`

	kind kind
}

// reportSample is a value, or counts and their sum.
type reportSample struct {
	Labels map[string]string `json:"labels"`
	Value  *float64          `json:"value"`
	Counts []uint64          `json:"counts"`
	Sum    *float64          `json:"sum"`
}

// readReports reads the metrics of a frame. One that cannot be read does not
// keep the others from being taken.
func readReports(frame []byte) (reports []report, faults []refusal) {
	var parts []jsontext.Value
	if err := json.Unmarshal(frame, &parts); err != nil {
		return nil, []refusal{{"frame", "metrics is no list: " + err.Error()}}
	}
	for _, part := range parts {
		var r report
		if err := json.Unmarshal(part, &r, json.RejectUnknownMembers(true)); err != nil {
			faults = append(faults, refusal{"frame", "a metric cannot be read: " + err.Error()})
		} else if fault := r.check(); fault != nil {
			faults = append(faults, *fault)
		} else {
			reports = append(reports, r)
		}
	}
	return reports, faults
}

// check finds what is wrong with a metric as a whole.
func (r *report) check() *refusal {
	if len(r.Name) > longestMetric || !metricName.MatchString(r.Name) {
		return &refusal{"name", fmt.Sprintf("%.200q is no name of a metric", r.Name)}
	}
	if i := slices.IndexFunc(ours, func(prefix string) bool { return strings.HasPrefix(r.Name, prefix) }); i >= 0 {
		return &refusal{"name", fmt.Sprintf("%s: names that begin with %s are drover's own", r.Name, ours[i])}
	}
	switch r.kind = kind(r.Type); r.kind {
	case histogramKind:
	case counterKind, gaugeKind:
		if r.Buckets != nil {
			return &refusal{"value", fmt.Sprintf("%s: a %s has no buckets", r.Name, r.kind)}
		}
	default:
		return &refusal{"type", fmt.Sprintf("%s: %.200q is no type; there are counter, gauge and histogram", r.Name, r.Type)}
	}
	if len(r.Buckets) > mostBuckets {
		return &refusal{"value", fmt.Sprintf("%s has %d buckets, more than %d", r.Name, len(r.Buckets), mostBuckets)}
	}
	for i := 1; i < len(r.Buckets); i++ {
		if r.Buckets[i] <= r.Buckets[i-1] {
			return &refusal{"value", r.Name + ": the buckets do not ascend"}
		}
	}
	if len(r.Help) > longestHelp {
		cut := longestHelp
		for !utf8.RuneStart(r.Help[cut]) {
			cut--
		}
		r.Help = r.Help[:cut]
	}
	return nil
}

// read returns what a sample counted, and its labels in the order of their names.
func (r *report) read(s reportSample) (total, []label, *refusal) {
	labels, fault := r.labels(s.Labels)
	if fault != nil {
		return total{}, nil, fault
	}
	if r.kind == histogramKind {
		t, fault := r.histogram(s)
		return t, labels, fault
	}
	switch {
	case s.Value == nil || s.Counts != nil || s.Sum != nil:
		return total{}, nil, &refusal{"value", fmt.Sprintf("%s: a sample of a %s has a value, and nothing else", r.Name, r.kind)}
	case r.kind == counterKind && *s.Value < 0:
		return total{}, nil, &refusal{"value", fmt.Sprintf("%s: the counter is %v", r.Name, *s.Value)}
	}
	return total{value: *s.Value}, labels, nil
}

func (r *report) histogram(s reportSample) (total, *refusal) {
	switch {
	case s.Value != nil || s.Sum == nil:
		return total{}, &refusal{"value", r.Name + ": a sample of a histogram has counts and a sum, and no value"}
	case len(s.Counts) != len(r.Buckets)+1:
		return total{}, &refusal{"value", fmt.Sprintf("%s has %d counts for %d buckets and what is above them", r.Name, len(s.Counts), len(r.Buckets))}
	case slices.ContainsFunc(s.Counts, func(n uint64) bool { return n > mostCounted }):
		return total{}, &refusal{"value", fmt.Sprintf("%s: a count is above %d", r.Name, uint64(mostCounted))}
	}
	return total{value: *s.Sum, buckets: r.Buckets, counts: s.Counts}, nil
}

func (r *report) labels(given map[string]string) ([]label, *refusal) {
	if len(given) > mostLabels {
		return nil, &refusal{"label", fmt.Sprintf("%s has %d labels, more than %d", r.Name, len(given), mostLabels)}
	}
	labels := make([]label, 0, len(given))
	for name, value := range given {
		switch {
		case len(name) > longestLabel || !labelName.MatchString(name) || strings.HasPrefix(name, "__"):
			return nil, &refusal{"label", fmt.Sprintf("%s: %.100q is no name of a label", r.Name, name)}
		case slices.Contains(takenLabels, name):
			return nil, &refusal{"label", fmt.Sprintf("%s: the label %s is taken", r.Name, name)}
		case len(value) > longestValue:
			return nil, &refusal{"label", fmt.Sprintf("%s: the value of the label %s has %d bytes, more than %d", r.Name, name, len(value), longestValue)}
		case value != "": // the same as no label
			labels = append(labels, label{name, value})
		}
	}
	slices.SortFunc(labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
	return labels, nil
}

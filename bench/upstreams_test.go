package main

import (
	"slices"
	"testing"
)

const snmp = `Icmp: InMsgs
Icmp: 5
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails
Tcp: 1 200 120000 -1 2426961 2426145 803
Udp: InDatagrams
Udp: 7
`

func TestParseConnects_FindsActiveOpens(t *testing.T) {
	if got, err := parseConnects(snmp); err != nil || got != 2426961 {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err := parseConnects("Udp: InDatagrams\nUdp: 7\n"); err == nil {
		t.Errorf("found %d in nothing", got)
	}
}

func TestAlternate_TakesFromBothHalves(t *testing.T) {
	var all []endpoint
	for _, address := range []string{"a1", "a2", "b1", "b2"} {
		all = append(all, endpoint{Address: address})
	}
	var got []string
	for _, e := range alternate(all) {
		got = append(got, e.Address)
	}
	if !slices.Equal(got, []string{"a1", "b1", "a2", "b2"}) {
		t.Errorf("got %v", got)
	}
}

func TestEndpoints_AreAsManyAndAsHeavyAsTheScenarioSays(t *testing.T) {
	l := &lab{reached: map[backends][]endpoint{many: make([]endpoint, 9), overTCP: make([]endpoint, 2)}}
	if got := l.endpoints(scenario{backends: many, upstreams: 5, strategy: "random"}, peer{}); len(got) != 5 || got[4].Weight != 0 {
		t.Errorf("got %v", got)
	}
	if got := l.endpoints(scenario{backends: many, upstreams: 2, strategy: "weighted-round-robin"}, peer{}); len(got) != 2 || got[0].Weight == got[1].Weight {
		t.Errorf("weights %v", got)
	}
	if l.reached[many][1].Weight != 0 {
		t.Error("the weights stay for the next scenario")
	}
	if got := l.endpoints(scenario{backends: overUnix}, peer{tcpOnly: true}); len(got) != 2 {
		t.Errorf("a peer that keeps to TCP gets %v", got)
	}
}

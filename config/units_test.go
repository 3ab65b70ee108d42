package config

import (
	"math"
	"runtime"
	"testing"
	"time"
)

func TestDuration_ReadsUnits(t *testing.T) {
	f := func(text string, want time.Duration) {
		t.Helper()
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.Std() != want {
			t.Errorf("%s: got %v, %v", text, d, err)
		}
	}
	bad := func(text, want string) {
		t.Helper()
		d := second
		if err := d.UnmarshalText([]byte(text)); err == nil || err.Error() != want || d != second {
			t.Errorf("%s: got %v, %v", text, d, err)
		}
	}
	const remedy = "; write a number with ms, s, m or h, such as 250ms, 30s or 5m"
	f("250ms", 250*time.Millisecond)
	f("30s", 30*time.Second)
	f("1.5s", 1500*time.Millisecond)
	f("5m", 5*time.Minute)
	f("1h30m", 90*time.Minute)
	f("1500", 1500*time.Millisecond)
	f("0.5", 500*time.Microsecond)
	f("0", 0)
	f("0s", 0)
	f("100us", 100*time.Microsecond)
	bad("", `"" is not a length of time`+remedy)
	bad("5 s", `"5 s" is not a length of time`+remedy)
	bad("1d", `"1d" is not a length of time`+remedy)
	bad("s", `"s" is not a length of time`+remedy)
	bad("1e3", `"1e3" is not a length of time`+remedy)
	bad("inf", `"inf" is not a length of time`+remedy)
	bad("-5s", `"-5s" is negative; use 0 or more`)
	bad("-1", `"-1" is negative; use 0 or more`)
	bad("-0s", `"-0s" is negative; use 0 or more`)
	bad("9999999999h", `"9999999999h" is out of range; use at most 87600h`)
	bad("99999999999999999999999", `"99999999999999999999999" is out of range; use at most 87600h`)
	bad("87601h", `"87601h" is out of range; use at most 87600h`)
}

func TestDuration_WritesTheLargestWholeUnit(t *testing.T) {
	f := func(d Duration, want string) {
		t.Helper()
		var back Duration
		if got := d.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if err := back.UnmarshalText([]byte(d.String())); err != nil || back != d {
			t.Errorf("%s read back is %v, %v", want, back, err)
		}
	}
	f(0, "0s")
	f(75*second, "75s")
	f(90*minute, "90m")
	f(hour, "1h")
	f(1500*millisecond, "1500ms")
	f(Duration(1500*time.Microsecond), "1.5ms")
	f(longest, "87600h")
}

func TestSize_ReadsUnits(t *testing.T) {
	f := func(text string, want Size) {
		t.Helper()
		var z Size
		if err := z.UnmarshalText([]byte(text)); err != nil || z != want {
			t.Errorf("%s: got %d, %v", text, z, err)
		}
	}
	bad := func(text, want string) {
		t.Helper()
		var z Size
		if err := z.UnmarshalText([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: got %d, %v", text, z, err)
		}
	}
	f("0", 0)
	f("512", 512)
	f("512B", 512)
	f("32KB", 32<<10)
	f("256MB", 256<<20)
	f("256MiB", 256<<20)
	f("256 mb", 256<<20)
	f("1.5GB", 3<<29)
	f("1G", 1<<30)
	f("2TB", 2<<40)
	f("9223372036854775807", math.MaxInt64)
	bad("9223372036854775808", `"9223372036854775808" is out of range; use a smaller size`)
	bad("8388608TB", `"8388608TB" is out of range; use a smaller size`)
	bad("-1MB", `"-1MB" is negative; use 0 or more`)
	bad("MB", `"MB" is not a size; write a number with KB, MB or GB, such as 256MB, or a bare number of bytes`)
	bad("1PB", `"1PB" is not a size; write a number with KB, MB or GB, such as 256MB, or a bare number of bytes`)
	bad("", `"" is not a size; write a number with KB, MB or GB, such as 256MB, or a bare number of bytes`)
}

func TestSize_WritesTheLargestWholeUnit(t *testing.T) {
	f := func(z Size, want string) {
		t.Helper()
		if got := z.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(0, "0")
	f(1023, "1023")
	f(32<<10, "32KB")
	f(1536<<10, "1536KB")
	f(1<<30, "1GB")
}

func TestPercent_ReadsShares(t *testing.T) {
	f := func(text string, want Percent) {
		t.Helper()
		var p Percent
		if err := p.UnmarshalText([]byte(text)); err != nil || p != want {
			t.Errorf("%s: got %v, %v", text, p, err)
		}
	}
	bad := func(text string) {
		t.Helper()
		var p Percent
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s: got %v", text, p)
		}
	}
	f("50%", 50)
	f("50", 50)
	f("0.5%", 0.5)
	f("100 %", 100)
	for _, text := range []string{"", "%", "101%", "-1%", "half", "NaN", "50%%"} {
		bad(text)
	}
	if got := Percent(12.5).String(); got != "12.5%" {
		t.Errorf("got %s", got)
	}
	if got := Percent(25).Ratio(); got != 0.25 {
		t.Errorf("got %v", got)
	}
}

func TestCount_ResolvesAuto(t *testing.T) {
	f := func(c Count, text string, want int) {
		t.Helper()
		var back Count
		if err := back.UnmarshalText([]byte(text)); err != nil || back != c || c.String() != text || c.Resolve() != want {
			t.Errorf("%s: got %v, %v, %d", text, back, err, c.Resolve())
		}
	}
	f(Auto, "auto", runtime.GOMAXPROCS(0))
	f(0, "0", 0)
	f(7, "7", 7)
}

package monitor

import (
	"math"
	"math/rand/v2"
	"time"
)

const mb = 1 << 20

// shape is the memory that a made-up program holds at a time since its start,
// in bytes.
type shape func(at time.Duration) float64

// sawtooth is the garbage of a program: it grows by up to size until a
// collection, about every period, each somewhat different.
func sawtooth(r *rand.Rand, size float64, period time.Duration) shape {
	began, length, height := time.Duration(0), period, size
	return func(at time.Duration) float64 {
		for at-began >= length {
			began += length
			length = time.Duration(float64(period) * (0.5 + r.Float64()))
			height = size * (0.5 + r.Float64())
		}
		return height * float64(at-began) / float64(length)
	}
}

// wave is memory that follows a load which comes and goes.
func wave(r *rand.Rand, size float64, period time.Duration) shape {
	phase := 2 * math.Pi * r.Float64()
	return func(at time.Duration) float64 {
		return size * (1 + math.Sin(2*math.Pi*float64(at)/float64(period)+phase)) / 2
	}
}

// warming is memory that grows towards size, ever more slowly.
func warming(size float64, constant time.Duration) shape {
	return func(at time.Duration) float64 { return size * (1 - math.Exp(-float64(at)/float64(constant))) }
}

// filling is a cache whose entries are ever more seldom new.
func filling(size float64, constant time.Duration) shape {
	return func(at time.Duration) float64 { return size * math.Log1p(float64(at)/float64(constant)) }
}

// leaking grows for ever.
func leaking(perMinute float64) shape {
	return func(at time.Duration) float64 { return perMinute * at.Minutes() }
}

// noise is small and without memory of itself: stacks, buffers, page caches.
func noise(r *rand.Rand, size float64) shape {
	return func(time.Duration) float64 { return size * r.NormFloat64() }
}

// readings are taken of base and shapes each 5 s.
func readings(length time.Duration, base float64, shapes ...shape) []Reading {
	out := make([]Reading, 0, length/(5*time.Second))
	for at := time.Duration(0); at < length; at += 5 * time.Second {
		bytes := base
		for _, s := range shapes {
			bytes += s(at)
		}
		out = append(out, Reading{At: epoch.Add(at), Bytes: uint64(max(bytes, mb)), Requests: uint64(at / time.Second)})
	}
	return out
}

// between is a random number from low to high, as likely around 2 as around 20.
func between(r *rand.Rand, low, high float64) float64 {
	return math.Exp(math.Log(low) + r.Float64()*(math.Log(high)-math.Log(low)))
}

func minutes(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }

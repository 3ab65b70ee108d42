package exchange

const canTell = true

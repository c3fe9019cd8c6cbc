/** When an origin that fails is left alone, and when it is tried again. */
import { describe, expect, it } from "vitest"
import { Circuit } from "../../src/upstream/circuit.ts"

const SETTINGS = { failures: 3, openMs: 1000, probeMs: 300 }

/** A circuit that has just opened, at 0. */
function openCircuit(): Circuit {
  const circuit = new Circuit(SETTINGS)
  expect([circuit.failed(0), circuit.failed(0), circuit.failed(0)]).toEqual([false, false, true])
  return circuit
}

describe("a circuit", () => {
  it("lets everything through until so many failures have followed each other", () => {
    const circuit = new Circuit(SETTINGS)
    for (let round = 0; round < 5; round++) {
      circuit.failed(0)
      circuit.failed(0)
      expect(circuit.admit(0)).toEqual({ admitted: true })
      expect(circuit.succeeded()).toBe(false)
    }
  })

  it("that is open refuses, and says for how long", () => {
    const circuit = openCircuit()
    expect(circuit.admit(0)).toEqual({ admitted: false, retryAfter: 1000 })
    expect(circuit.admit(999)).toEqual({ admitted: false, retryAfter: 1 })
  })

  it("lets one probe through after that time, and no others while it runs", () => {
    const circuit = openCircuit()
    expect(circuit.admit(1000)).toEqual({ admitted: true })
    expect(circuit.admit(1000)).toEqual({ admitted: false, retryAfter: 300 })
    expect(circuit.admit(1299)).toEqual({ admitted: false, retryAfter: 1 })
  })

  it("closes when the probe succeeds", () => {
    const circuit = openCircuit()
    circuit.admit(1000)
    expect(circuit.succeeded()).toBe(true)
    expect([circuit.admit(1001), circuit.admit(1001)]).toEqual([{ admitted: true }, { admitted: true }])
    expect([circuit.failed(2000), circuit.failed(2000), circuit.failed(2000)]).toEqual([false, false, true])
  })

  it("stays open for as long again when the probe fails", () => {
    const circuit = openCircuit()
    circuit.admit(1000)
    expect(circuit.failed(1200)).toBe(false)
    expect(circuit.admit(1300)).toEqual({ admitted: false, retryAfter: 900 })
    expect(circuit.admit(2200)).toEqual({ admitted: true })
  })

  it("lets another probe through when nothing was heard of the first", () => {
    const circuit = openCircuit()
    circuit.admit(1000)
    expect(circuit.admit(1300)).toEqual({ admitted: true })
  })
})

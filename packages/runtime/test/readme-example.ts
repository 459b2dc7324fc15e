import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'

const clock = new VirtualClock()
const { random } = systemRuntime({ clock, random: new SeededRandom(42) })
const fired: number[] = []
clock.setTimer(random.integer(100, 200), () => fired.push(clock.monotonicMs()))
clock.advance(200) // in no time
console.log(fired.join()) // the same in every run from this seed: 115

/** A hash over everything that happened, in order: two runs that differ anywhere differ here. */
export class Trace {
  #a = 0x811c9dc5
  #b = 0x9e3779b9
  readonly #numbers = new Float64Array(1)
  readonly #words = new Uint32Array(this.#numbers.buffer)
  /** The readable trace, where one is wanted. */
  readonly lines: string[] | undefined

  constructor(keepLines: boolean) {
    this.lines = keepLines ? [] : undefined
  }

  add(atMs: number, what: string, who: string, ...numbers: readonly number[]): void {
    this.#number(atMs)
    this.#text(what)
    this.#text(who)
    for (const value of numbers) this.#number(value)
    this.lines?.push(`${atMs.toFixed(2)} ${who} ${what} ${numbers.join(' ')}`)
  }

  get hash(): string {
    return (this.#a >>> 0).toString(16).padStart(8, '0') + (this.#b >>> 0).toString(16).padStart(8, '0')
  }

  #number(value: number): void {
    this.#numbers[0] = value
    this.#word(this.#words[0] as number)
    this.#word(this.#words[1] as number)
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#word(text.charCodeAt(i))
  }

  #word(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x01000193)
    this.#b = Math.imul((this.#b ^ word) + 0x7f4a7c15, 0x85ebca6b)
    this.#b ^= this.#b >>> 13
  }
}

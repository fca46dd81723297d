/** `Intl.Segmenter` that reads Unicode's tables, for which it needs 10 ms, with its first text. */
export class LateSegmenter {
  readonly #settings: ConstructorParameters<typeof Intl.Segmenter>
  #segmenter: Intl.Segmenter | undefined

  constructor(...settings: ConstructorParameters<typeof Intl.Segmenter>) {
    this.#settings = settings
  }

  segment(text: string): Intl.Segments {
    // By a name of its own: in a bundle `Intl.Segmenter` means this class.
    const { Segmenter } = Intl
    this.#segmenter ??= new Segmenter(...this.#settings)
    return this.#segmenter.segment(text)
  }
}

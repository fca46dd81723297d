import type { CandidateName } from "../candidates.ts"

/**
 * Takes one sample of every candidate per round, each round starting with the next candidate,
 * so that whatever drifts on the machine meets all of them alike.
 */
export const sampleInRounds = async <Sample>(
  candidates: ReadonlyArray<CandidateName>,
  rounds: number,
  take: (candidate: CandidateName, round: number) => Promise<Sample>
): Promise<ReadonlyMap<CandidateName, ReadonlyArray<Sample>>> => {
  const samples = new Map<CandidateName, Array<Sample>>(candidates.map((candidate) => [candidate, []]))
  for (let round = 0; round < rounds; round++) {
    const first = round % candidates.length
    for (const candidate of [...candidates.slice(first), ...candidates.slice(0, first)]) {
      samples.get(candidate)?.push(await take(candidate, round))
    }
  }
  return samples
}

/** Every problem with the candidate and the round that had it. */
export const problemsByCandidate = (
  samples: ReadonlyMap<CandidateName, ReadonlyArray<{ readonly problems: ReadonlyArray<string> }>>
): ReadonlyArray<string> =>
  [...samples].flatMap(([candidate, taken]) =>
    taken.flatMap((sample, round) => sample.problems.map((problem) => `${candidate}, round ${round + 1}: ${problem}`))
  )

/** Sets by keys, none of which is empty. */
export type Groups<A> = Map<string, Set<A>>

export const add = <A>(groups: Groups<A>, key: string, member: A): void => {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, new Set([member]))
  else group.add(member)
}

/** Answers whether it was there. */
export const remove = <A>(groups: Groups<A>, key: string, member: A): boolean => {
  const group = groups.get(key)
  if (group?.delete(member) !== true) return false
  if (group.size === 0) groups.delete(key)
  return true
}

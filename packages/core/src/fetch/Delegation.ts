/** Lets a light object have everything that the runtime's own one has. */

/** An object and those that it inherits from: a framework may have put a class of its own in place of the runtime's. */
function* prototypesOf(object: object): Generator<object> {
  let next: object | null = object
  for (; next !== null && next !== Object.prototype; next = Object.getPrototypeOf(next)) yield next
}

/**
 * Makes the light class pass for the runtime's class by `instanceof`, and gives it whatever that has and it has not: read
 * from, and called on, the real object that it then makes.
 */
export const completeAs = <Light extends object, Real extends object>(
  light: { readonly prototype: Light },
  real: { readonly prototype: Real },
  realOf: (light: Light) => Real
): void => {
  for (const prototype of prototypesOf(real.prototype)) {
    for (const key of Reflect.ownKeys(prototype)) {
      if (key === Symbol.toStringTag || Object.hasOwn(light.prototype, key)) continue
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, key)?.value
      Object.defineProperty(light.prototype, key, {
        configurable: true,
        enumerable: typeof key === "string",
        // Programs look at the prototype to see what there is, where only methods can be read.
        ...(typeof method === "function"
          ? {
              writable: true,
              value(this: Light, ...args: ReadonlyArray<unknown>): unknown {
                return Reflect.apply(method, realOf(this), args)
              }
            }
          : {
              get(this: Light): unknown {
                return Reflect.get(realOf(this), key)
              }
            })
      })
    }
  }
  Object.setPrototypeOf(light.prototype, real.prototype)
}

/** Has a class that takes the place of the runtime's called by the same name. */
export const nameAs = (light: { readonly prototype: object }, real: { readonly name: string }): void => {
  Object.defineProperty(light, "name", { value: real.name, configurable: true })
}

/** Says by which class objects of the light one have been made, and others like them can be. */
export const constructedAs = (light: { readonly prototype: object }, real: { readonly prototype: object }): void => {
  Object.defineProperty(light.prototype, "constructor", { value: real, writable: true, configurable: true })
}

/** Typed arrays that grow. They are replaced when they do, so they are never held on to across an addition. */

type Typed = Uint8Array | Uint16Array | Uint32Array | Float64Array

/** The array, or a longer one with the same items. At least doubled, so that adding stays linear. */
export function atLeast<T extends Typed>(array: T, length: number): T {
  if (array.length >= length) return array
  const longer = new (array.constructor as new (length: number) => T)(Math.max(length, 2 * array.length, 16))
  longer.set(array)
  return longer
}

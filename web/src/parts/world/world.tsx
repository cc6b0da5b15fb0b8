/** The world with its countries filled by how much there is of them. A chunk of its own: nobody waits for it who sees no map. */

import { geoEqualEarth, geoPath } from 'd3-geo'
import type { JSX } from 'preact'
import { feature } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'
import atlas from 'world-atlas/countries-110m.json'
import { countryName } from '../../model/names'
import { count } from '../format'
import { LETTERS } from './codes'

const WIDTH = 960
const HEIGHT = 440
/** Antarctica: nothing is there but room. */
const LEFT_OUT = '010'

interface Shape {
  readonly code: string | undefined
  readonly path: string
}

/** Countries as paths; made once. */
const shapes: readonly Shape[] = draw()

function draw(): Shape[] {
  const topology = atlas as unknown as Topology<{ countries: GeometryCollection }>
  const { features } = feature(topology, topology.objects.countries)
  const drawn = features.filter(({ id }) => id !== LEFT_OUT)
  const projection = geoEqualEarth().fitSize([WIDTH, HEIGHT], { type: 'FeatureCollection', features: drawn })
  const path = geoPath(projection).digits(1)
  return drawn.map((shape) => ({ code: LETTERS.get(String(shape.id)), path: path(shape) ?? '' }))
}

/** Whether a country is large enough to be drawn. */
export function isDrawn(code: string): boolean {
  return shapes.some((shape) => shape.code === code)
}

export interface WorldProps {
  readonly counts: ReadonlyMap<string, number>
  readonly chosen: string | undefined
  readonly onChoose: (code: string) => void
}

/** Steps of the filling. */
const STEPS = 5

/** The table beside it says the same to those who do not see it. */
export function World({ counts, chosen, onChoose }: WorldProps): JSX.Element {
  const most = Math.max(1, ...counts.values())
  const step = (value: number): number => (most === 1 ? STEPS : Math.max(1, Math.ceil((STEPS * Math.log(value + 1)) / Math.log(most + 1))))
  return (
    <svg class="world" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      {shapes.map(({ code, path }, at) => {
        const value = code === undefined ? 0 : (counts.get(code) ?? 0)
        return (
          <path
            key={at}
            d={path}
            class={`${value === 0 ? '' : `step-${step(value)}`}${code !== undefined && code === chosen ? ' chosen' : ''}`}
            onClick={() => {
              if (code !== undefined && value > 0) onChoose(code)
            }}
          >
            {code !== undefined && <title>{`${countryName(code)}: ${value === 0 ? 'nothing' : count(value)}`}</title>}
          </path>
        )
      })}
    </svg>
  )
}

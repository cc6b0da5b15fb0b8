/** What keeps people from using a screen, as axe-core finds it. */

import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** Critical and serious findings: the rule and what breaks it. */
export async function barriers(page: Page): Promise<string[]> {
  // As the debugger does it: the policy for scripts holds for the page, not for tests.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: (options: object) => Promise<{ violations: { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }[] }> } }
    return await axe.run({ resultTypes: ['violations'] })
  })
  return violations
    .filter(({ impact }) => impact === 'critical' || impact === 'serious')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`))
}

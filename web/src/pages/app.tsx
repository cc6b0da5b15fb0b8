/** Which page is shown: login first, then what the address says. */

import type { JSX } from 'preact'
import { session } from '../model/session'
import { route } from '../model/state'
import { Header } from '../parts/header'
import { Menu } from '../parts/menu'
import { Notices } from '../parts/notices'
import { Account } from './account'
import { Accounts } from './accounts'
import { Audit } from './audit'
import { Family } from './family'
import { Health } from './health'
import { Host } from './host'
import { HuntPage } from './hunt'
import { MapPage } from './map'
import { Login, NewPassword } from './login'
import { Rules } from './rules'
import { Threats } from './threats'
import { Asked } from './threats/asked'
import { Trail } from './trail'

export function App(): JSX.Element {
  const now = session.value
  switch (now.state) {
    case 'unknown':
      return <main class="alone" aria-busy="true" />
    case 'offline':
      return (
        <main class="alone">
          <h1>maltrail</h1>
          <p role="alert">{now.problem}</p>
        </main>
      )
    case 'stranger':
      return <Login />
    case 'known':
      return now.account.must_change ? <NewPassword name={now.account.name} /> : <Screen />
  }
}

function Screen(): JSX.Element {
  return (
    <>
      <Header />
      <main class="screen">{page()}</main>
      <Asked />
      <Menu />
      <Notices />
    </>
  )
}

/** The pages there are. */
function page(): JSX.Element {
  switch (route.value.page) {
    case 'threats':
      return <Threats />
    case 'host':
      return <Host />
    case 'family':
      return <Family />
    case 'trail':
      return <Trail />
    case 'hunt':
      return <HuntPage />
    case 'map':
      return <MapPage />
    case 'health':
      return <Health />
    case 'rules':
      return <Rules />
    case 'accounts':
      return <Accounts />
    case 'audit':
      return <Audit />
    case 'account':
      return <Account />
  }
}

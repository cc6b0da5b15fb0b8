/** Where the page begins. */

import { render } from 'preact'
import { restore } from './model/session'
import { beginPreferences } from './model/preferences'
import { begin } from './model/state'
import { App } from './pages/app'
import './style/tokens.css'
import './style/base.css'
import './style/parts.css'
import './style/pages.css'
import './style/threats.css'
import './style/print.css'

begin()
beginPreferences()
const root = document.getElementById('page')
if (root !== null) render(<App />, root)
void restore()

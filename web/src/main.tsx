/** Where the page begins. */

import { render } from 'preact'
import { restore } from './model/session'
import { begin } from './model/state'
import { App } from './pages/app'
import './style/tokens.css'
import './style/base.css'
import './style/parts.css'
import './style/pages.css'

begin()
const root = document.getElementById('page')
if (root !== null) render(<App />, root)
void restore()

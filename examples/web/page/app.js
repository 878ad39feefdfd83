// The page is told the whole state with every step (see package linkhttp), so it
// only ever shows the last one. The attempt lives on the server: a reload, a lost
// connection or a second tab change nothing about it.
'use strict';

const $ = (id) => document.getElementById(id);
const views = [...document.querySelectorAll('[data-view]')];
const wanted = { method: 'qr', number: '', account: null }; // what to start, and to try again
let link = null; // {id, pairing} of the attempt that is watched
let stream = null; // its EventSource
let ticking = 0; // the timer of the countdown
let expiring = 0; // the timer after which nobody believes in a new code any more

// show turns to a view. Focus goes to the heading, so that the keyboard and a
// screen reader are where the eye is; within a view, changes are only announced.
function show(view, title, lead, announce) {
  const before = $('card').dataset.shows;
  $('card').dataset.shows = view;
  for (const v of views) v.hidden = v.dataset.view !== view;
  $('title').textContent = title;
  $('lead').textContent = lead || '';
  $('aside').textContent = '';
  document.title = title + ' – Example Inc.';
  if (view !== 'qr') $('qr').replaceChildren(); // a code is a secret: not kept where it is not shown
  if (view !== 'code') { $('code').textContent = ''; $('code').removeAttribute('aria-label'); }
  clearInterval(ticking);
  clearTimeout(expiring);
  if (before && before !== view && document.hasFocus()) $('title').focus({ preventScroll: true });
  if (announce) say(announce);
}

function say(text) { $('live').textContent = ''; setTimeout(() => { $('live').textContent = text; }, 50); }

function choose(method) {
  leave();
  if (method) wanted.method = method;
  const again = wanted.account;
  show('choose', again ? 'Reconnect ' + label(again) : 'Connect your WhatsApp',
    again ? 'Use the phone with this number.' : 'Link your WhatsApp account to Example Inc. It takes less than a minute.');
  document.querySelector(`input[name=method][value=${wanted.method}]`).checked = true;
  $('not-now').hidden = !again;
  method2fields();
  complain('');
}

function method2fields() {
  wanted.method = document.querySelector('input[name=method]:checked').value;
  $('number-field').hidden = wanted.method !== 'phone';
  $('go').textContent = wanted.method === 'phone' ? 'Get a code' : 'Show QR code';
}

function complain(text) {
  $('number-error').hidden = !text;
  $('number-error').textContent = text;
  $('number').setAttribute('aria-invalid', String(Boolean(text) && wanted.method === 'phone'));
}

async function api(method, path, body) {
  const res = await fetch(path, {
    method, body: body && JSON.stringify(body), headers: body ? { 'Content-Type': 'application/json' } : {}, keepalive: method === 'DELETE',
  }).catch(() => null);
  if (!res) return { ok: false, problem: { code: 'offline', message: 'The server cannot be reached. Check your connection and try again.' } };
  const json = (res.headers.get('Content-Type') || '').startsWith('application/json') ? await res.json().catch(() => ({})) : {};
  if (res.status === 401) json.message = 'Your session is over. Reload the page.';
  return { ok: res.ok, status: res.status, body: json, problem: { message: 'Something went wrong. Try again.', ...json } };
}

async function start() {
  const pairing = wanted.method === 'phone';
  const body = {};
  if (wanted.account) body.account_id = wanted.account.id;
  if (pairing) body.phone_number = wanted.number;
  show('starting', 'One moment…', '', 'Getting a code');
  const res = await api('POST', 'whatsapp/links', body);
  if (!res.ok) {
    if (res.problem.code === 'already_connected') { wanted.account = null; accounts(); }
    choose();
    complain(res.problem.message);
    if (res.problem.code === 'phone_number') $('number').focus();
    return;
  }
  watch({ id: res.body.id, pairing });
}

// watch follows the steps. EventSource reconnects by itself after a lost
// connection, but gives up at an answer that is no stream: then we ask what it is.
function watch(l) {
  leave();
  link = l;
  remember(l);
  const source = stream = new EventSource(`whatsapp/links/${l.id}/events`);
  source.addEventListener('open', () => { $('offline').hidden = true; });
  source.addEventListener('step', (e) => { if (source === stream) step(JSON.parse(e.data)); });
  source.addEventListener('error', () => {
    if (source !== stream) return;
    setTimeout(() => { if (source === stream && source.readyState !== EventSource.OPEN) $('offline').hidden = false; }, 1500);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => { if (source === stream) diagnose(l); }, 1500);
  });
}

async function diagnose(l) {
  const asked = new AbortController();
  const res = await fetch(`whatsapp/links/${l.id}/events`, { signal: asked.signal }).catch(() => null);
  const problem = res && !res.ok ? await res.json().catch(() => null) : null;
  asked.abort();
  if (link !== l) return;
  if (problem && (res.status === 404 || res.status === 401)) {
    choose();
    complain(res.status === 404 ? problem.message : 'Your session is over. Reload the page.');
  } else {
    watch(l);
    $('offline').hidden = false; // until the stream is open
  }
}

// leave stops watching; the attempt goes on.
function leave() {
  if (stream) stream.close();
  stream = link = null;
  $('offline').hidden = true;
  remember(null);
}

function remember(l) {
  if (l) sessionStorage.setItem('link', JSON.stringify({ ...l, account: wanted.account }));
  else sessionStorage.removeItem('link');
}

// step shows what the server has told last.
function step(s) {
  performance.mark('step-' + s.state);
  $('offline').hidden = true;
  const again = $('card').dataset.shows;
  switch (s.state) {
    case 'show':
      if (s.pairing_code) showCode(s, again === 'code');
      else showQR(s, again === 'qr');
      return;
    case 'expired':
      show('expired', 'Getting a new code…', '', 'The code has expired. Asking for a new one.');
      $('expired-spinner').hidden = false;
      expiring = setTimeout(() => {
        $('title').textContent = 'The code has expired';
        $('lead').textContent = 'Ask for a new one when you have the phone at hand.';
        $('expired-spinner').hidden = true;
        say('The code has expired. Ask for a new one when you have the phone at hand.');
      }, 8000);
      return;
    case 'connecting':
      show('connecting', 'Connecting…', 'Your phone has answered. Keep WhatsApp open for a few seconds.', 'Connecting');
      return;
    case 'ending':
      show('connecting', 'Cancelling…', '', 'Cancelling');
      return;
    case 'connected':
      connected(s.account);
      return;
    case 'failed':
      failed(s);
  }
}

function showQR(s, inPlace) {
  show('qr', 'Scan this code', '', inPlace ? 'A new code is shown' : '');
  const svg = new DOMParser().parseFromString(s.qr_svg, 'image/svg+xml').documentElement;
  svg.setAttribute('aria-label', 'QR code to scan with WhatsApp');
  $('qr').replaceChildren(document.importNode(svg, true));
  countdown('qr', s.expires_in_ms);
}

function showCode(s, inPlace) {
  show('code', 'Enter this code on your phone', '', inPlace ? 'A new code is shown: ' + spelled(s.pairing_code) : '');
  $('code').textContent = s.pairing_code;
  $('code').setAttribute('aria-label', 'Your code: ' + spelled(s.pairing_code));
  countdown('code', s.expires_in_ms);
}

const spelled = (code) => code.replace('-', '').split('').join(' ');

function countdown(name, ms) {
  const end = performance.now() + ms;
  const tick = () => {
    const left = Math.max(0, end - performance.now());
    const s = Math.ceil(left / 1000);
    $(name + '-left').textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
    $(name + '-bar').value = ms ? left / ms : 0;
  };
  tick();
  ticking = setInterval(tick, 250);
}

function connected(account) {
  leave();
  wanted.account = null;
  $('account-name').textContent = account.name && account.name !== account.phone_number ? account.name : '–';
  $('account-name').parentNode.hidden = $('account-name').textContent === '–';
  $('account-number').textContent = account.phone_number ? '+' + account.phone_number : '–';
  $('account-id').textContent = account.id;
  show('connected', 'Connected', 'Your WhatsApp account is linked to Example Inc.', 'Connected');
  accounts();
}

function failed(s) {
  const calm = s.code === 'canceled' || s.code === 'idle' || s.code === 'expired';
  const pairing = wanted.method === 'phone';
  leave();
  $('failed-mark').classList.toggle('calm', calm);
  $('failed-qr').hidden = !(s.code === 'rate_limited' && pairing);
  show('failed', { canceled: 'Cancelled', expired: 'The time is over', idle: 'The attempt was ended', wrong_account: 'That was another account' }[s.code] || 'That did not work',
    s.message, s.message);
  accounts();
}

// cancel answers at once; the server takes its time to clean up.
function cancel(method) {
  if (link) api('DELETE', `whatsapp/links/${link.id}`);
  choose(method);
}

async function refresh(button) {
  if (!link) return;
  button.disabled = true;
  const res = await api('POST', `whatsapp/links/${link.id}/refresh`);
  button.disabled = false;
  if (!res.ok && link) { $('aside').textContent = res.problem.message; }
}

const label = (a) => (a.phone_number ? '+' + a.phone_number : a.name || a.id);

// accounts shows what is linked, and offers to link again what needs it.
async function accounts() {
  const res = await api('GET', 'accounts');
  if (!res.ok) return;
  $('phone').hidden = !res.body.demo;
  $('accounts').hidden = res.body.accounts.length === 0;
  $('account-list').replaceChildren(...res.body.accounts.map((a) => {
    const item = document.createElement('li');
    const text = document.createElement('div');
    text.textContent = label(a);
    const state = document.createElement('small');
    state.textContent = a.needs_reconnect ? 'Disconnected in WhatsApp' : a.other_number ? 'Linked to another number' : a.status === 'OK' ? 'Connected' : 'Connecting…';
    state.classList.toggle('needs', a.needs_reconnect || a.other_number);
    text.append(state);
    item.append(text);
    if (a.needs_reconnect) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = 'Reconnect';
      button.setAttribute('aria-label', 'Reconnect ' + label(a));
      button.addEventListener('click', () => { wanted.account = a; wanted.number = '+' + a.phone_number; $('number').value = wanted.number; choose(); });
      item.append(button);
    }
    return item;
  }));
}

async function act(button) {
  performance.mark('act-' + button.dataset.act);
  const res = await api('POST', 'phone/' + button.dataset.act);
  $('phone-note').textContent = res.ok ? 'Done.' : 'There is nothing to do this to right now.';
  if (button.dataset.act === 'unlink') accounts();
}

const doing = {
  refresh, cancel: () => cancel(), phone: () => cancel('phone'), qr: () => cancel('qr'),
  again: () => { wanted.account = null; choose(); }, retry: () => (wanted.method === 'phone' && !wanted.number ? choose() : start()),
};
document.addEventListener('click', (e) => {
  const button = e.target.closest('button');
  if (button && button.dataset.do) doing[button.dataset.do](button);
  if (button && button.dataset.act) act(button);
});
// While typing, not when the field is left: what then moves the button away from
// under the pointer makes the click go nowhere.
$('choose').addEventListener('input', () => { method2fields(); complain(''); });
$('choose').addEventListener('submit', (e) => {
  e.preventDefault();
  performance.mark('click');
  wanted.number = $('number').value.trim();
  if (wanted.method === 'phone' && !wanted.number) { complain('Write your number first.'); $('number').focus(); return; }
  start();
});
$('not-now').addEventListener('click', () => { wanted.account = null; choose(); });
$('copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText($('code').textContent).then(() => { $('aside').textContent = 'Copied.'; }, () => { $('aside').textContent = 'Copying is not possible here.'; });
});

// A phone cannot scan its own screen.
if (matchMedia('(pointer: coarse) and (max-width: 40rem)').matches) wanted.method = 'phone';
accounts();
const before = JSON.parse(sessionStorage.getItem('link') || 'null');
if (before) {
  wanted.account = before.account;
  wanted.method = before.pairing ? 'phone' : 'qr';
  show('starting', 'One moment…', '');
  watch(before);
} else {
  choose();
}

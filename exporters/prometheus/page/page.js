// Keeps the page current. The server renders it whole; here it is fetched again, and each part marked data-live whose
// content changed takes the place of what stood there. All else stays as it is: scroll positions, what is unfolded.
'use strict';

const INTERVAL = 2000; // milliseconds from an answer to the next question
const PATIENCE = 5000; // milliseconds until an answer is late

const state = document.getElementById('state');
const pause = document.getElementById('pause');
const parts = Array.from(document.querySelectorAll('[data-live]'));
const contents = new Map(parts.map((part) => [part.id, part.innerHTML]));
let answered = new Date();
let paused = false;
let timer;

function keysOf(part) {
  return Array.from(part.querySelectorAll('[data-key]'), (row) => row.dataset.key);
}

function update(part, fresh) {
  const content = fresh.innerHTML;
  if (content === contents.get(part.id)) {
    return;
  }
  contents.set(part.id, content);
  const known = new Set(keysOf(part));
  for (const row of fresh.querySelectorAll('[data-key]')) {
    row.classList.toggle('new', !known.has(row.dataset.key));
  }
  part.replaceChildren(...fresh.childNodes);
}

function show(text, tone) {
  if (state.textContent !== text) { // a screen reader tells every change
    state.textContent = text;
  }
  state.className = tone;
  document.body.classList.toggle('stale', tone === 'bad');
}

async function refresh() {
  try {
    const answer = await fetch(location.href, {cache: 'no-store', signal: AbortSignal.timeout(PATIENCE)});
    if (!answer.ok) {
      throw new Error(answer.statusText);
    }
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const part of parts) {
      const fresh = page.getElementById(part.id);
      if (fresh !== null) {
        update(part, fresh);
      }
    }
    answered = new Date();
    show('live', 'good');
  } catch {
    show(`no answer since ${answered.toISOString().slice(11, 19)} UTC: what stands here is old`, 'bad');
  }
  schedule();
}

// Nobody looks at a hidden page: the agent is left alone.
function schedule() {
  clearTimeout(timer);
  if (!paused && !document.hidden) {
    timer = setTimeout(refresh, INTERVAL);
  }
}

pause.addEventListener('click', () => {
  paused = !paused;
  pause.setAttribute('aria-pressed', paused);
  if (paused) {
    clearTimeout(timer);
    show('paused', 'warn');
  } else {
    refresh();
  }
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !paused) {
    refresh();
  }
});
pause.hidden = false;
show('live', 'good');
schedule();

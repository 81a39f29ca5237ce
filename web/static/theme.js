// Sets theme, density and language before the first paint, so that no page flashes.
{
  const root = document.documentElement;
  const stored = localStorage.getItem('theme');
  const dark =
    stored === 'dark' || (stored !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  root.dataset.theme = dark ? 'dark' : 'light';
  root.style.colorScheme = dark ? 'dark' : 'light';
  if (localStorage.getItem('density') === 'compact') root.dataset.density = 'compact';
}

import type { Site } from './front.ts';
import { hostnamesOf } from './grammar.ts';
import { GENERATION_HOST } from './live.ts';
import { BODY_BYTES } from './pages.ts';
import { MIME_TYPES } from './mime-types.ts';

/**
 * The main file of a prefix. Old workers end at the latest an hour after a reload, which cuts the websockets that are older;
 * sooner would cut those of apps that did not change. `user` is only for root, who would serve files as nobody.
 */
export function nginxMain(listen: string, generation: number, isRoot: boolean): string {
  return `# Written by serverflow-agent; changes are lost.
${isRoot ? 'user root;\n' : ''}daemon off;
pid nginx.pid;
worker_processes 2;
worker_shutdown_timeout 1h;
error_log logs/error.log warn;
events { worker_connections 2048; }
http {
  access_log logs/access.log;
  server_tokens off;
  sendfile on;
  tcp_nodelay on;
  absolute_redirect off;
  server_names_hash_max_size 8192;
  server_names_hash_bucket_size 512;
  client_max_body_size ${BODY_BYTES};
  client_body_temp_path temp/body;
  proxy_temp_path temp/proxy;
  fastcgi_temp_path temp/fastcgi;
  uwsgi_temp_path temp/uwsgi;
  scgi_temp_path temp/scgi;
  default_type application/octet-stream;
  types {
${Object.entries(MIME_TYPES)
  .map(([type, extensions]) => `    ${type} ${extensions};\n`)
  .join('')}  }
  charset utf-8;
  gzip on;
  gzip_vary on;
  gzip_proxied any;
  gzip_types text/css text/plain text/javascript application/json application/xml image/svg+xml;

  proxy_http_version 1.1;
  # Where there is a second server it is asked on errors; nginx sends nothing twice that may have had an effect.
  proxy_next_upstream error;
  proxy_connect_timeout 5s;
  proxy_read_timeout 1h;
  proxy_send_timeout 1h;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }

  server {
    listen ${listen} default_server;
    server_name _;
    root pages;
    error_page 404 /unknown.html;
    location / { return 404; }
    location = /unknown.html { internal; }
  }
  server {
    listen ${listen};
    server_name ${GENERATION_HOST};
    access_log off;
    allow 127.0.0.1;
    allow ::1;
    deny all;
    default_type text/plain;
    location = /generation { return 200 ${generation}; }
  }
  include sites/*.conf;
}
`;
}

/** The file of one site; the site must have passed `checkSite`. */
export function nginxSite(site: Site, listen: string): string {
  const { target } = site;
  return `# ${site.name}
${target.kind === 'port' ? upstream(site.appId, target) : ''}server {
  listen ${listen};
  server_name ${hostnamesOf(site).join(' ')};
${target.kind === 'port' ? proxied(site.appId) : files(target.root, target.spa)}}
`;
}

/** A program and its spare: while nginx has seen it fail, for 10 s by its default, only the spare is asked. */
function upstream(appId: string, { port, spare }: { port: number; spare?: number }): string {
  const second = spare === undefined ? '' : `  server 127.0.0.1:${spare} backup;\n`;
  return `upstream app_${appId} {
  server 127.0.0.1:${port};
${second}}
`;
}

function proxied(appId: string): string {
  // A page by its path, since nginx turns the request into a GET for it: a file answers no POST.
  return `  error_page 502 504 /.serverflow-down;
  location = /.serverflow-down {
    internal;
    root pages;
    rewrite ^ /down.html break;
  }
  location / {
    proxy_pass http://app_${appId};
    proxy_set_header Host $http_host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Port $server_port;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_buffering off;
    proxy_request_buffering off;
  }
`;
}

/** A symbolic link in a site would otherwise show any file of the server. */
function files(root: string, isSpa: boolean): string {
  return `  root "${root}";
  index index.html;
  disable_symlinks on from="${root}";
  add_header Cache-Control no-cache;
  location / { try_files $uri $uri/index.html $uri.html ${isSpa ? '/index.html' : ''} =404; }
  location ~ /\\.(?!well-known/) { return 404; }
${isSpa ? '' : '  error_page 404 /404.html;\n'}`;
}

import { css } from '@emotion/css';
import type { DashboardLink } from '@grafana/schema';
import { LinkButton, useStyles2 } from '@grafana/ui';

/** The dashboard's links, shown beside its variables. */
export function Links({ links }: { links: DashboardLink[] }) {
  const style = useStyles2(() => css({ display: 'flex', gap: 8 }));
  return (
    <div className={style}>
      {links.map((link, i) => (
        <LinkButton
          key={i}
          size="sm"
          variant="secondary"
          fill="outline"
          href={link.url || '#'}
          icon={link.type === 'dashboards' ? 'apps' : 'external-link-alt'}
        >
          {link.title || link.tags.join(', ')}
        </LinkButton>
      ))}
    </div>
  );
}

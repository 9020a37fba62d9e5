import {
  getDefaultTimeRange,
  LoadingState,
  toDataFrame,
  type DataQueryRequest,
  type DataSourceApi,
  type PanelData,
} from '@grafana/data';
import { toDataQueryError } from '@grafana/runtime';
import { catchError, from, map, of, startWith, type Observable } from 'rxjs';

/** Queries a data source: emits a loading state first, then the response or the error. */
export function runRequest(source: DataSourceApi, request: DataQueryRequest): Observable<PanelData> {
  const loading: PanelData = {
    state: LoadingState.Loading,
    series: [],
    request,
    timeRange: request.range ?? getDefaultTimeRange(),
  };
  return from(source.query(request)).pipe(
    map(({ data }) => ({ ...loading, state: LoadingState.Done, series: data.map(toDataFrame) })),
    catchError((error) => of({ ...loading, state: LoadingState.Error, errors: [toDataQueryError(error)] })),
    startWith(loading)
  );
}

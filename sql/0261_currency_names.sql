-- The predecessor's table of coins and networks is the exchange's list, as far as it was read, and what is in use besides. A network's name is
-- that of its own coin.
CREATE OR REPLACE VIEW legacy.currency_to_network AS
  SELECT upper(p.ticker) AS currency, upper(p.network) AS network, coalesce(nullif(c.name, ''), upper(p.ticker)) AS currency_name,
         coalesce(nullif(n.name, ''), upper(p.network)) AS network_name
  FROM (SELECT ticker, network FROM currency_network UNION
        SELECT payout_ticker, payout_network FROM channel WHERE payout_ticker <> '' UNION
        SELECT target_ticker, target_network FROM payout UNION VALUES ('eth', 'eth'), ('usdt', 'eth')) AS p (ticker, network)
  LEFT JOIN currency_network c ON c.ticker = p.ticker AND c.network = p.network
  LEFT JOIN currency_network n ON n.ticker = p.network AND n.network = p.network;
